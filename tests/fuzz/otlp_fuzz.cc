#include <cstddef>
#include <cstdint>
#include <string_view>

#include "debug/import/importers.h"
#include "debug/import/session_events.h"

// Whatever the bytes: importing spans does not crash, and what was imported has events in order and
// a script that can be read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(agdb::detect_session_format(text));
  const agdb::Result<agdb::SessionLog> log = agdb::import_otlp(text, "fuzz");
  if (!log) return 0;
  for (const agdb::SessionRun& run : log->runs) {
    for (std::size_t i = 0; i < run.processes.size(); ++i) {
      const agdb::SessionProcess& process = run.processes[i];
      AGDB_ASSERT(i == 0 ? !process.parent : process.parent < i,
                  "a parent stands before its child");
      std::uint64_t last = 0;
      agdb::session_events(run, i, agdb::Pid{1}, "run", "trace", [&last](agdb::Event&& event) {
        AGDB_ASSERT(event.timestamp >= agdb::Nanoseconds{0}, "before the process began");
        AGDB_ASSERT(event.n == 0 || event.n == ++last, "a hole in the numbers");
        const auto* start = std::get_if<agdb::ProcessStart>(&event.payload);
        if (start == nullptr) return;
        const auto script = agdb::parse_script(*start->script, "script");
        AGDB_ASSERT(script.has_value(), script.error().message);
      });
    }
  }
  return 0;
}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "debug/record/event_line.h"
#include "runtime/events/text.h"

// Whatever the bytes: reading them does not crash, and what was read can be written as one line of
// UTF-8 that is read again as the same event.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = agdb::parse_line({reinterpret_cast<const char*>(data), size});
  if (!event) return 0;
  std::string line;
  agdb::append_line(line, *event);
  AGDB_ASSERT(std::count(line.begin(), line.end(), '\n') == 1, "one line");
  AGDB_ASSERT(agdb::is_utf8(line), "UTF-8");
  const auto again = agdb::parse_line(line);
  AGDB_ASSERT(again.has_value(), "what we write we read: " + line);
  AGDB_ASSERT(again->seq_num == event->seq_num && again->n == event->n, "the same numbers");
  AGDB_ASSERT(again->timestamp == event->timestamp && again->pid == event->pid, "the same head");
  AGDB_ASSERT(again->payload.index() == event->payload.index(), "the same kind of payload");
  return 0;
}

#pragma once

#include <initializer_list>
#include <string>

#include "debug/record/recording_manager.h"
#include "debug/trace/span_file.h"
#include "debug/trace/trace_source.h"
#include "tests/unit/debug/trace/derived_fixture.h"
#include "tests/unit/debug/trace/made_span.h"

namespace agdb {

// Runs that were recorded and traces that were kept, in a folder of their own.
class RecordedRunsCase : public testing::Test {
 protected:
  struct Ran {
    std::string run_id;
    std::string trace_id;
    std::string intent = "tidy";
    Pid pid = Pid{1};
    std::int64_t at_ms = 0;  // its start
  };
  static constexpr std::string_view kOne = "00000000000000000000000000000001";
  static constexpr std::string_view kTwo = "00000000000000000000000000000002";

  // A process that makes these calls, each long enough to be a span. Returns the record id.
  std::string record(const Ran& ran, std::initializer_list<const char*> calls = {"Lint"}) {
    RecordingManager manager(files_, clock_, {.records_dir = places_.records_dir},
                             [](const std::string&) {});
    ProcessStart start;
    start.intent = ran.intent;
    start.run_id = ran.run_id;
    start.trace_id = ran.trace_id;
    start.wall_start = at_ms(ran.at_ms);
    manager.on_event({ran.pid, 0, Nanoseconds(0), start});
    std::uint64_t n = 0;
    for (const char* const name : calls) {
      Syscall call;
      call.name = name;
      call.duration = std::chrono::milliseconds(5);
      manager.on_event({ran.pid, ++n, std::chrono::milliseconds(10 * n), call});
    }
    manager.on_event({ran.pid, 0, std::chrono::seconds(1), ProcessEnd{"completed", n}});
    const std::string id = manager.record_id(ran.pid).value_or("");
    EXPECT_TRUE(manager.close_all());
    return id;
  }

  void keep(const std::string& trace_id, Span span) {
    span.trace_id = trace_id;
    EXPECT_TRUE(SpanFileWriter(files_, places_.traces_dir).append(span));
  }
  void keep(const std::string& trace_id, const std::string& id, std::int64_t from_ms = 0) {
    keep(trace_id, made_span(SpanKind::kProcess, id, "", id, from_ms, from_ms + 10));
  }

  std::string folder_of(const std::string& record_id) const {
    return places_.records_dir + "/" + record_id;
  }

  TempFolder temp_;
  FileSystem files_;
  RealClock clock_;
  TracePlaces places_{.records_dir = temp_ / "records", .traces_dir = temp_ / "traces"};
};

}  // namespace agdb

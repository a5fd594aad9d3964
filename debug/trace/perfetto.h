#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "debug/trace/trace_sink.h"
#include "runtime/events/result.h"

namespace agdb {

class TraceEventFile;  // debug/trace/trace_event_file.h

struct PerfettoOptions {
  // The moment that is 0 in the file: nothing in it is earlier. Absent: the first process's start.
  std::optional<WallTime> zero = {};
  // Over so many events the older half goes, and an instant `trace_truncated` says how many went.
  // 0: none go, and memory does not grow with their number.
  std::uint64_t limit = 0;
};

// Spans as Chrome trace events in JSON, for the Perfetto UI. An agent is a process, with a track
// (a thread) for itself and its steps, for its model calls with their phases, for tools, for waits
// and messages, for the person it talks to. Where slices would overlap, further tracks of that kind
// ("tools 2") take them: on one track they nest or lie apart. Times are microseconds since `zero`.
//
//   process   slice with the agent's intent; `process_name`, `thread_name` and their sort indexes
//   step      slice
//   llm_call  `API Call`; `Request Setup`, `Attempt N (retry)`, `First Token`, `Sampling` in it
//   phase     as said, by its parent; where it fits into no call a slice `Phase: NAME` of its own
//   tool_call `Tool: NAME`
//   wait      slice; for a person `Waiting for User Input`, and `Interaction` from a user's message
//             to the next stop
//   others    slice; so is a further `process` of one pid, which other programs may tell of
//   flows     spawn → child, send → receive, model call → tool → the next model call
//
// A moment has no room for a flow's end, so spawns and sends are at least 1 ns long, and receives 1
// ns longer than they were. What sticks out of its process is cut there.
//
// Memory: by the processes that have not ended, and flows whose other end has not come, of which
// the oldest are forgotten beyond kMaxFlows.
class PerfettoExport final : public TraceSink {
 public:
  static constexpr std::size_t kMaxFlows = 100'000;

  // `write` takes pieces of the file in order. After its first error it is not called again.
  explicit PerfettoExport(std::function<Status(std::string_view)> write,
                          PerfettoOptions options = {});
  ~PerfettoExport() override;

  void on_process(const TracedProcess& process) override;
  void on_span(const Span& span) override;
  void on_counter(const CounterPoint& point) override;
  void on_instant(const TraceInstant& instant) override;
  // Ends the file. The first error of `write`, if there was one.
  Status finish();

  // Whether `write` has failed: there is no sense in going on.
  bool failed() const;
  std::uint64_t events() const;   // metadata, and those that went, included
  std::uint64_t dropped() const;  // by the limit

 private:
  enum class Track : std::uint8_t { kAgent, kModel, kTool, kWait, kUser, kProcess };
  static constexpr std::size_t kTracks = 6;
  struct Slice {
    std::int64_t at = 0;
    std::int64_t length = 0;
  };
  struct Lane {
    std::uint64_t tid = 0;
    std::int64_t end = 0;  // of its last slice
    bool moment = false;   // which had no length
    bool has_room(const Slice& slice) const;
  };
  // Where a flow can be bound: within a slice.
  struct Place {
    std::uint64_t pid = 0;
    std::uint64_t tid = 0;
    std::int64_t at = 0;      // the slice's first moment
    std::int64_t end = 0;     // the moment behind it
    std::uint64_t event = 0;  // the slice's number among the events; the largest: it always stays
    bool usable() const { return end > at; }
  };
  struct ToolFlow {
    std::string id;
    Place call;
    Place tool;
  };
  struct Process {
    std::uint64_t pid = 0;
    std::int64_t start = 0;
    std::string name;
    std::array<std::vector<Lane>, kTracks> lanes;
    std::vector<Span> phases;              // of model calls that have not come
    Place call;                            // the newest model call
    std::vector<ToolFlow> tools;           // whose result no model call has read
    std::optional<std::int64_t> asked_at;  // a person's request is under way since then
    std::int64_t prompt_bytes = 0;
    std::int64_t worked_until = 0;
    std::uint64_t further = 0;  // spans of kind `process` that come before its own
  };
  // Ends of flows whose other end has not come, by the span id that both know.
  class OpenEnds {
   public:
    void put(const std::string& id, const Place& place);
    std::optional<Place> take(const std::string& id);

   private:
    std::unordered_map<std::string, Place> places_;
    std::deque<std::string> order_;
  };

  Process& process_of(Pid pid, const Span* span = nullptr);
  std::uint64_t number_for(std::uint64_t pid);
  void name_process(const Process& process, const TracedProcess& traced);
  std::int64_t since_zero(WallTime time) const;
  Slice slice_of(const Process& process, const Span& span, std::int64_t least = 0) const;
  Lane* lane_for(Process& process, Track track, const Slice& slice);
  void name_lane(const Process& process, Track track, std::uint64_t tid, std::size_t number);

  Place begin_slice(Process& process, Track track, const Slice& slice, std::string_view name,
                    std::string_view category);
  void end_slice();
  void write_attributes(const Span& span);
  Place write_slice(Process& process, Track track, const Span& span, std::string_view name,
                    std::int64_t least);
  void begin_process(Process& process, std::string_view name);
  std::int64_t end_process(Process& process, std::int64_t end, const Span* span);
  void write_process(Process& process, const Span& span);
  void write_further_process(Process& process, const Span& span);
  void write_call(Process& process, const Span& span);
  void write_call_arguments(std::span<const Span> phases, const Span& span, const Slice& slice);
  void write_attempt_starts(std::span<const Span> phases, const Span& span);
  void write_phases(Process& process, std::span<const Span> phases, const Place& call);
  void write_lone_phases(Process& process, std::vector<Span> phases);
  void write_tool(Process& process, const Span& span);
  void write_users_wait(Process& process, const Span& span);
  void write_interaction(Process& process, std::int64_t end);
  void write_message(Process& process, const Span& span);
  void read_tool_results(Process& process, const Place& call);
  void end_tool_flows(Process& process);
  void write_flow(std::string_view id, std::string_view name, const Place& from,
                  const Place* through, const Place& to);
  void join(OpenEnds& mine, OpenEnds& others, const std::string& id, const Place& place,
            std::string_view name, bool begins);

  std::unique_ptr<TraceEventFile> file_;
  PerfettoOptions options_;
  std::unordered_map<std::uint64_t, Process> processes_;  // by the agent's pid
  std::uint64_t next_tid_;
  std::uint64_t next_pid_;
  std::vector<bool> numbers_used_;
  std::uint64_t sort_index_ = 0;
  std::uint64_t first_pid_ = 0;
  // The end of the slice under way, when it found no track.
  struct AsyncEnd {
    std::string id;
    std::uint64_t pid = 0;
    std::int64_t at = 0;
    std::string name;
    std::string_view category;
  };
  std::optional<AsyncEnd> async_end_;
  std::uint64_t async_ = 0;  // slices that found no track
  OpenEnds spawned_;
  OpenEnds born_;
  OpenEnds sent_;
  OpenEnds received_;
};

}  // namespace agdb

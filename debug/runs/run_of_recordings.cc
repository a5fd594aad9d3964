#include "debug/runs/run_of_recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "debug/record/event_facts.h"
#include "debug/record/event_scan.h"
#include "debug/strace/fd_table.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxFlowCharacters = 120;
constexpr std::size_t kMaxDetailCharacters = 500;
// More than a store keeps of a trace, so that the first by time are among them.
constexpr std::size_t kMaxEventsGathered = 2000;
constexpr std::string_view kModelPath = "/dev/llm/";
constexpr std::string_view kToolPath = "/dev/tool/";

std::string run_of(const RecordingMetadata& metadata) {
  return metadata.run_id.empty() ? "record " + metadata.record_id : metadata.run_id;
}

WallTime start_of(const RecordingMetadata& metadata) {
  if (metadata.process_start_time) return *metadata.process_start_time;
  return metadata.start_time.value_or(WallTime{});
}

// Of two sides of a millisecond, the one before.
std::int64_t to_ms(Nanoseconds time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).count();
  return std::clamp<std::int64_t>(ms, 0, kMaxRunNumber);
}

std::int64_t to_count(std::int64_t number) {
  return std::clamp<std::int64_t>(number, 0, kMaxRunNumber);
}

RunStatus status_of(const RecordingMetadata& root) {
  const std::string& reason = root.exit_reason;
  if (root.status != kStatusCompleted) return RunStatus::kPartial;
  if (reason.empty() || reason == "completed") return RunStatus::kSuccess;
  if (reason == "completed_with_tool_errors" || reason == "script_exhausted" ||
      reason == "max steps exceeded" || reason == "interrupted")
    return RunStatus::kPartial;
  return reason.contains("timeout") || reason.contains("timed out") ? RunStatus::kTimeout
                                                                    : RunStatus::kFailed;
}

std::string flow_name_of(const RecordingMetadata& root) {
  const std::string_view intent = root.intent;
  const std::size_t begin = std::min(intent.find_first_not_of(" \t\r\n"), intent.size());
  const std::size_t end = std::min(intent.find_first_of("\r\n", begin), intent.size());
  const std::string first = truncate(intent.substr(begin, end - begin), kMaxFlowCharacters);
  if (!first.empty()) return first;
  return root.source ? root.source->name : "";
}

std::int64_t timestamp_of(const RecordingMetadata& root) {
  const WallTime start = root.time_source == "order" || start_of(root) == WallTime{}
                             ? root.recorded_at.value_or(WallTime{})
                             : start_of(root);
  return to_count(std::chrono::floor<std::chrono::seconds>(start).time_since_epoch().count());
}

// Only these tell something about the run; all others are not worth reading.
bool may_tell(const EventEntry& entry, std::string_view line) {
  if (entry.type == EventType::kContextSnapshot || entry.type == EventType::kStateChange)
    return false;
  if (entry.type != EventType::kSyscall) return true;
  return line.contains("\"err\"") || line.contains("Open") || line.contains("Spawn");
}

// Goes over the recordings of a run and gathers its trace.
class Gathering {
 public:
  explicit Gathering(const RecordingMetadata& root) : start_(start_of(root)), model_(root.model) {}

  Status take(const Recording& recording) {
    const RecordingMetadata& metadata = recording.metadata();
    fds_ = FdTable();
    last_failure_.clear();
    offset_ = start_of(metadata) - start_;
    has_recorded_parent_ = !is_root(metadata);
    if (metadata.began_late) {
      trace_.tokens_input = to_count(add_up(trace_.tokens_input, metadata.began_late->tokens_used));
      trace_.steps_executed =
          to_count(trace_.steps_executed + static_cast<std::int64_t>(std::min<std::uint64_t>(
                                               metadata.began_late->steps, kMaxRunNumber)));
    }
    AGDB_TRY(EventScan scan, EventScan::open(recording));
    while (scan.next()) {
      const EventEntry entry = scan.entry();
      end_ = std::max(end_, add_up(offset_, entry.timestamp));
      const Result<std::string_view> line = scan.line();
      if (!line || !may_tell(entry, *line)) continue;
      if (const Result<RecordedEvent> event = scan.event()) take(*event);
    }
    if (metadata.end_time) end_ = std::max(end_, Nanoseconds(*metadata.end_time - start_));
    return {};
  }

  RunTrace finish() {
    std::ranges::stable_sort(trace_.events, {}, &RunEvent::offset_ms);
    trace_.latency_ms = to_ms(end_);
    if (!model_.empty() || !provider_.empty())
      trace_.backend = provider_.empty() ? model_ : provider_ + "/" + model_;
    return std::move(trace_);
  }

 private:
  enum class Teller : std::uint8_t { kCall, kAnswer };

  void take(const RecordedEvent& event) {
    at_ms_ = to_ms(add_up(offset_, event.timestamp));
    if (const auto* call = std::get_if<Syscall>(&event.payload)) {
      end_ = std::max(end_, add_up(add_up(offset_, event.timestamp), call->duration));
      take_call(event.pid, *call);
    } else if (const auto* answer = std::get_if<LlmResponse>(&event.payload)) {
      take_answer(*answer);
    } else if (const auto* alert = std::get_if<Alert>(&event.payload)) {
      add_event("alert", alert->kind,
                fmt::format("{}: {} of {} tokens spent", alert->level, alert->tokens_used,
                            alert->context_budget));
    } else if (const auto* gap = std::get_if<Gap>(&event.payload)) {
      add_event("gap", "", fmt::format("{} events lost: {}", gap->lost_events, gap->reason));
    }
  }

  void take_call(Pid pid, const Syscall& call) {
    const std::string path(fds_.track(pid, call));
    if (provider_.empty() && path.starts_with(kModelPath))
      provider_ = path.substr(kModelPath.size());
    if (call.name == "Spawn" && call.err.empty() && !is_told_by_parent(pid, call))
      add_event("spawn", "", std::string(call.args.text("intent")));
    if (call.err.empty() || call.name == "ReasonStep") return;
    const bool on_tool = path.starts_with(kToolPath);
    add_failure(Teller::kCall, on_tool ? path.substr(kToolPath.size()) : call.name, call.err);
  }

  // A process's own birth, which stands in its recording and in its parent's.
  bool is_told_by_parent(Pid pid, const Syscall& birth) const {
    return has_recorded_parent_ && birth.result.to_uint() == raw(pid);
  }

  void take_answer(const LlmResponse& answer) {
    if (model_.empty()) model_ = answer.model;
    if (trace_.steps_executed < kMaxRunNumber) ++trace_.steps_executed;
    trace_.tokens_input = to_count(add_up(trace_.tokens_input, to_count(answer.request_tokens)));
    trace_.tokens_output = to_count(add_up(trace_.tokens_output, to_count(answer.response_tokens)));
    if (answer.attempt_starts.size() > 1)
      trace_.retries =
          to_count(trace_.retries + static_cast<std::int64_t>(answer.attempt_starts.size()) - 1);
    if (!answer.error.empty()) add_failure(Teller::kAnswer, answer.model, answer.error);
  }

  // A model's failure is told by the call and by the answer, in either order.
  void add_failure(Teller teller, std::string name, const std::string& why) {
    if (why == last_failure_ && teller != last_teller_) {
      last_failure_.clear();
      return;
    }
    last_failure_ = why;
    last_teller_ = teller;
    if (trace_.errors < kMaxRunNumber) ++trace_.errors;
    add_event("error", std::move(name), why);
  }

  void add_event(std::string type, std::string step, const std::string& detail) {
    if (trace_.events.size() >= kMaxEventsGathered) return;
    trace_.events.push_back({.event_type = std::move(type),
                             .offset_ms = at_ms_,
                             .step_name = std::move(step),
                             .detail = truncate(detail, kMaxDetailCharacters)});
  }

  const WallTime start_;
  RunTrace trace_;
  std::string model_;
  std::string provider_;
  FdTable fds_;
  std::string last_failure_;
  Teller last_teller_ = Teller::kCall;  // of that
  Nanoseconds offset_{0};               // of the process at hand, since the run's start
  bool has_recorded_parent_ = false;    // likewise
  Nanoseconds end_{0};
  std::int64_t at_ms_ = 0;
};

// The trace of the run that a fork continues; none where it is not in the store.
Result<StoredId> continued_by(const ForkOrigin& origin, const TraceStore& store,
                              const std::string& records_dir) {
  const Result<std::string> folder = find_recording(records_dir, origin.record_id);
  if (!folder) return StoredId{};
  const Result<RecordingMetadata> metadata = read_metadata(*folder);
  if (!metadata) return StoredId{};
  AGDB_TRY(const std::optional<RunTrace> trace, store.find_run(run_of(*metadata)));
  return trace ? trace->id : StoredId{};
}

}  // namespace

std::string store_path(const std::string& records_dir) {
  return beside_recordings(records_dir, "store.db");
}

std::vector<RecordedParts> by_run(std::vector<ListedRecording> recordings) {
  std::map<std::string, RecordedParts> runs;
  for (ListedRecording& recording : recordings)
    runs[run_of(recording.metadata)].recordings.push_back(std::move(recording));
  std::vector<RecordedParts> ordered;
  for (auto& [run_id, run] : runs) {
    std::ranges::stable_sort(run.recordings, {}, [](const ListedRecording& recording) {
      const RecordingMetadata& m = recording.metadata;
      return std::tuple(!is_root(m), raw(m.pid), m.start_time.value_or(WallTime{}));
    });
    ordered.push_back(std::move(run));
  }
  std::ranges::stable_sort(ordered, {}, [](const RecordedParts& run) {
    return timestamp_of(run.recordings.front().metadata);
  });
  return ordered;
}

bool has_ended(const RecordedParts& run) {
  return std::ranges::none_of(run.recordings,
                              [](const ListedRecording& recording) { return recording.live; });
}

Result<RunTrace> run_trace_of(const RecordedParts& run, const TraceStore& store,
                              const std::string& records_dir) {
  const RecordingMetadata& root = run.recordings.front().metadata;
  Gathering gathering(root);
  for (const ListedRecording& each : run.recordings) {
    AGDB_TRY(const Recording recording, Recording::open(each.folder));
    AGDB_CHECK_OK(gathering.take(recording));
  }
  RunTrace trace = gathering.finish();
  trace.timestamp = timestamp_of(root);
  trace.flow_name = flow_name_of(root);
  // A process that was stopped and started again ends with its last recording.
  for (const ListedRecording& each : run.recordings)
    if (each.metadata.pid == root.pid) trace.status = status_of(each.metadata);
  if (root.source) trace.source_file = root.source->name;
  trace.record_id = root.record_id;
  trace.run_id = run_of(root);
  trace.trace_id = root.trace_id;
  if (!root.outer_span_id.empty()) trace.correlation_id = root.trace_id;
  if (root.forked_from) {
    AGDB_TRY(trace.replay_of, continued_by(*root.forked_from, store, records_dir));
  }
  return trace;
}

}  // namespace agdb

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agdb {

// A trace's number in its store: 1, 2, 3 … in the order in which traces were recorded, never used
// again. 0 = none.
enum class StoredId : std::uint64_t {};
constexpr std::uint64_t raw(StoredId id) {
  return static_cast<std::uint64_t>(id);
}

// How a run ended. The names are in files and may not change.
enum class RunStatus : std::uint8_t { kSuccess, kFailed, kPartial, kTimeout };
inline constexpr RunStatus kRunStatuses[] = {RunStatus::kSuccess, RunStatus::kFailed,
                                             RunStatus::kPartial, RunStatus::kTimeout};
// "success", "failed", "partial", "timeout".
std::string_view run_status_name(RunStatus status);
// Nothing for a name that is none of them.
std::optional<RunStatus> run_status_of(std::string_view name);

// A moment of a run that a person would want to see in a list of few.
struct RunEvent {
  std::string event_type;
  std::int64_t offset_ms = 0;  // since the run's start
  std::string step_name = {};  // empty: none
  std::string detail = {};

  bool operator==(const RunEvent&) const = default;
};

// What a person wrote about a run.
struct RunAnnotation {
  std::string author;
  std::string text;
  std::vector<std::string> tags = {};
  std::int64_t timestamp = 0;  // unix seconds; set by the store

  bool operator==(const RunAnnotation&) const = default;
};

// A run in one row: what lists, filters and sums need. Numbers are 0 … kMaxRunNumber.
struct RunSummary {
  StoredId id{};               // set by the store
  std::int64_t timestamp = 0;  // unix seconds; 0 = set by the store when it is recorded
  std::string flow_name;       // what was to be done
  RunStatus status = RunStatus::kSuccess;
  std::int64_t steps_executed = 0;
  std::int64_t latency_ms = 0;
  std::int64_t tokens_input = 0;
  std::int64_t tokens_output = 0;
  // Checks that guard the flow's output, and how many of them failed.
  std::int64_t anchor_checks = 0;
  std::int64_t anchor_breaches = 0;
  std::int64_t errors = 0;
  std::int64_t retries = 0;
  std::string source_file;
  std::string backend;
  std::string client_key;
  StoredId replay_of{};        // the trace that this run replays
  std::string correlation_id;  // shared by the traces of one request
  // Where more is known: the recording of the run's root, the run, its spans.
  std::string record_id;
  std::string run_id;
  std::string trace_id;
  std::int64_t event_count = 0;  // set by the store: of the events kept

  bool operator==(const RunSummary&) const = default;
};

struct RunTrace : RunSummary {
  std::vector<RunEvent> events;
  std::vector<RunAnnotation> annotations;

  bool operator==(const RunTrace&) const = default;
};

// A hundred billion: three years in milliseconds. A sum over the largest store still fits 64 bits.
inline constexpr std::int64_t kMaxRunNumber = 100'000'000'000;

}  // namespace agdb

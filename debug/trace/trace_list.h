#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/file.h"
#include "debug/trace/span.h"

namespace agdb {

// A trace in a list.
struct TraceSummary {
  std::string trace_id;
  std::uint64_t span_count = 0;
  WallTime start{};               // the earliest
  Nanoseconds total_duration{0};  // to the latest end
  // Of the first span without a parent, in the order in which they came; else of the earliest.
  std::string root_span_name;
  std::uint64_t error_count = 0;
  std::uint64_t bad_lines = 0;  // that hold no span and are not counted

  bool operator==(const TraceSummary&) const = default;
};

// Takes spans one after the other.
class TraceTally {
 public:
  void add(const Span& span);
  // As if the other's spans had come behind those that have.
  void add(const TraceTally& other);
  bool empty() const { return summary_.span_count == 0; }
  // As it is kept in files (README.md); nothing where the JSON is none of a tally.
  Json to_json() const;
  static std::optional<TraceTally> from_json(const Json& json);
  // REQUIRES: not empty. The trace id is that of the first span that has one.
  TraceSummary summary() const;

 private:
  TraceSummary summary_;
  WallTime end_{};
  bool has_root_ = false;
  std::string earliest_name_;
};

struct TraceList {
  std::vector<TraceSummary> traces;  // the newest start first
  struct Unreadable {
    std::string trace_id;
    Error error;
  };
  std::vector<Unreadable> unreadable;  // those without a span included
};

// The traces kept in files (span_file.h), each named by its folder. No such folder: no traces. What
// is told of a large file is kept beside it, through `files` (tally_file.h).
Result<TraceList> list_traces(const std::string& traces_dir, FileSystem& files);
// The name of that file.
inline constexpr std::string_view kSpanTallyName = "spans.tally";
// Puts them into the order of lists.
void sort_newest_first(std::vector<TraceSummary>& traces);

// A table. Ids are cut to 32 characters; the names of roots so that a row has at most so many
// columns, but not below 16 (0: they are not cut).
std::string trace_list_text(std::span<const TraceSummary> traces, std::size_t columns = 0);
// {"trace_id","span_count","start_time_ms","total_duration_ms","root_span_name", and ours:
// "start_ns","total_duration_ns","error_count","bad_lines"}
Json trace_summary_json(const TraceSummary& summary);

}  // namespace agdb

#include "debug/trace/trace_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "debug/record/record_id.h"
#include "debug/trace/saturating.h"
#include "debug/trace/span_file.h"
#include "debug/trace/span_text.h"
#include "debug/trace/tally_file.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kIdWidth = 34;
constexpr std::size_t kIdLength = 32;
constexpr std::size_t kCountWidth = 5;
constexpr std::size_t kDurationWidth = 10;
constexpr int kRule = 70;
constexpr std::size_t kLeastRoot = 16;
// Bytes of a file of spans. Fewer are read as fast as their tally.
constexpr std::int64_t kWorthKeeping = 64 << 10;

Result<std::vector<std::string>> trace_folders(const std::string& traces_dir) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(traces_dir, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') && entries->is_directory(ignored)) names.push_back(std::move(name));
  }
  if (error)
    return std::unexpected(system_error(error.value(), fmt::format("list {}", traces_dir)));
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return natural_less(a, b); });
  return names;
}

Result<KeptTally> count_spans(const std::string& traces_dir, const std::string& trace_id) {
  KeptTally found;
  AGDB_TRY(const SpanFileTally lines,
           scan_spans(traces_dir, trace_id, [&](const Span& span) { found.tally.add(span); }));
  found.damaged_lines = lines.bad_lines;
  if (!found.tally.empty()) return found;
  if (lines.bad_lines == 0)
    return fail(Code::kNotFound, fmt::format("trace \"{}\" has no spans", trace_id));
  return fail(Code::kCorrupt, fmt::format("trace \"{}\" has no readable span: line {}: {}",
                                          trace_id, lines.bad[0].line, lines.bad[0].why));
}

Result<TraceSummary> summarize(const std::string& traces_dir, const std::string& trace_id,
                               FileSystem& files) {
  const std::string kept_at = fmt::format("{}/{}/{}", traces_dir, trace_id, kSpanTallyName);
  // Before it is read: what is added meanwhile makes it another file.
  Json made_of = Json::array();
  append_file_state(made_of, span_file_path(traces_dir, trace_id));
  std::optional<KeptTally> found = read_tally_file(kept_at, made_of);
  if (!found) {
    AGDB_TRY(found, count_spans(traces_dir, trace_id));
    if (made_of.items()[0].to_int().value_or(0) >= kWorthKeeping)
      keep_tally_file(files, kept_at, made_of, *found);
  }
  TraceSummary summary = found->tally.summary();
  summary.trace_id = trace_id;
  summary.bad_lines = found->damaged_lines;
  return summary;
}

void append_row(std::string& out, std::string_view id, std::string_view count,
                std::string_view duration, std::string_view root) {
  append_left(out, id, kIdWidth);
  out += "  ";
  append_right(out, count, kCountWidth);
  out += "  ";
  append_right(out, duration, kDurationWidth);
  out += "  ";
  out += root;
  out += '\n';
}

std::string root_text(std::string_view name, std::size_t room) {
  const std::string text = printable(name);
  if (room == 0 || count_characters(text) <= room) return text;
  return std::string(prefix_of_characters(text, room - 1)) + "…";
}

}  // namespace

void TraceTally::add(const Span& span) {
  if (summary_.trace_id.empty()) summary_.trace_id = span.trace_id;
  const bool first = summary_.span_count++ == 0;
  if (first || span.start < summary_.start) {
    summary_.start = span.start;
    earliest_name_ = span.name;
  }
  end_ = first ? span.end() : std::max(end_, span.end());
  if (span.failed()) ++summary_.error_count;
  if (!has_root_ && span.parent_span_id.empty()) {
    has_root_ = true;
    summary_.root_span_name = span.name;
  }
}

void TraceTally::add(const TraceTally& other) {
  if (other.empty()) return;
  const TraceSummary& more = other.summary_;
  const bool first = empty();
  if (summary_.trace_id.empty()) summary_.trace_id = more.trace_id;
  summary_.span_count += more.span_count;
  summary_.error_count += more.error_count;
  if (first || more.start < summary_.start) {
    summary_.start = more.start;
    earliest_name_ = other.earliest_name_;
  }
  end_ = first ? other.end_ : std::max(end_, other.end_);
  if (has_root_ || !other.has_root_) return;
  has_root_ = true;
  summary_.root_span_name = more.root_span_name;
}

Json TraceTally::to_json() const {
  Json json = Json::object({{"trace_id", summary_.trace_id},
                            {"spans", summary_.span_count},
                            {"errors", summary_.error_count},
                            {"start_ns", summary_.start.time_since_epoch().count()},
                            {"end_ns", end_.time_since_epoch().count()},
                            {"earliest", earliest_name_}});
  if (has_root_) json.set("root", summary_.root_span_name);
  return json;
}

std::optional<TraceTally> TraceTally::from_json(const Json& json) {
  const auto spans = json["spans"].to_uint();
  const auto errors = json["errors"].to_uint();
  const auto start = json["start_ns"].to_int();
  const auto end = json["end_ns"].to_int();
  if (!spans || !errors || !start || !end || *end < *start) return std::nullopt;
  TraceTally tally;
  tally.summary_.trace_id = json.text("trace_id");
  tally.summary_.span_count = *spans;
  tally.summary_.error_count = *errors;
  tally.summary_.start = WallTime(Nanoseconds(*start));
  tally.end_ = WallTime(Nanoseconds(*end));
  tally.earliest_name_ = json.text("earliest");
  tally.has_root_ = json["root"].is_string();
  tally.summary_.root_span_name = json.text("root");
  return tally;
}

TraceSummary TraceTally::summary() const {
  TraceSummary summary = summary_;
  summary.total_duration =
      saturating_difference(end_.time_since_epoch(), summary.start.time_since_epoch());
  if (!has_root_) summary.root_span_name = earliest_name_;
  return summary;
}

void sort_newest_first(std::vector<TraceSummary>& traces) {
  std::stable_sort(traces.begin(), traces.end(),
                   [](const TraceSummary& a, const TraceSummary& b) { return a.start > b.start; });
}

Result<TraceList> list_traces(const std::string& traces_dir, FileSystem& files) {
  AGDB_TRY(const std::vector<std::string> names, trace_folders(traces_dir));
  TraceList list;
  for (const std::string& name : names) {
    Result<TraceSummary> summary = summarize(traces_dir, name, files);
    if (summary) {
      list.traces.push_back(*std::move(summary));
    } else {
      list.unreadable.push_back({name, std::move(summary).error()});
    }
  }
  sort_newest_first(list.traces);
  return list;
}

std::string trace_list_text(std::span<const TraceSummary> traces, std::size_t columns) {
  if (traces.empty()) return "No traces found.\n";
  std::string out;
  append_row(out, "TRACE ID", "SPANS", "DURATION", "ROOT");
  const std::size_t before_root = out.size() - std::string_view("ROOT\n").size();
  const std::size_t for_root =
      columns == 0 ? 0 : std::max(columns, before_root + kLeastRoot) - before_root;
  for (int i = 0; i < kRule; ++i) out += "─";
  out += '\n';
  for (const TraceSummary& trace : traces) {
    append_row(out, prefix_of_characters(printable(trace.trace_id), kIdLength),
               fmt::format("{}", trace.span_count), adaptive_duration(trace.total_duration),
               root_text(trace.root_span_name, for_root));
  }
  return out;
}

Json trace_summary_json(const TraceSummary& summary) {
  const auto start = std::chrono::floor<std::chrono::milliseconds>(summary.start);
  return Json::object({{"trace_id", summary.trace_id},
                       {"span_count", summary.span_count},
                       {"start_time_ms", start.time_since_epoch().count()},
                       {"total_duration_ms", summary.total_duration.count() / 1'000'000},
                       {"root_span_name", summary.root_span_name},
                       {"start_ns", summary.start.time_since_epoch().count()},
                       {"total_duration_ns", summary.total_duration.count()},
                       {"error_count", summary.error_count},
                       {"bad_lines", summary.bad_lines}});
}

}  // namespace agdb

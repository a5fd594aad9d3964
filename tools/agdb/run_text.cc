#include "tools/agdb/run_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "debug/replay/screen_text.h"
#include "runtime/events/text.h"
#include "tools/agdb/local_time.h"

namespace agdb {
namespace {

constexpr std::size_t kTextWithoutTerminal = 60;
constexpr std::size_t kLeastText = 10;  // of the last column
constexpr std::array kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

std::string number(std::int64_t value) {
  return fmt::format("{}", value);
}

std::string time_text(const RunSummary& run) {
  return local_time(WallTime(std::chrono::seconds(run.timestamp))).substr(0, 16);
}

struct Column {
  std::string_view name;
  std::string_view head;
  bool right;  // numbers stand below each other
  std::string (*text)(const RunSummary& run);
};

constexpr std::array kColumns = {
    Column{"id", "ID", true, [](const RunSummary& run) { return fmt::format("{}", raw(run.id)); }},
    Column{"time", "TIME", false, time_text},
    Column{"status", "STATUS", false,
           [](const RunSummary& run) { return std::string(run_status_name(run.status)); }},
    Column{"steps", "STEPS", true,
           [](const RunSummary& run) { return number(run.steps_executed); }},
    Column{"latency", "LATENCY", true,
           [](const RunSummary& run) { return latency_text(run.latency_ms); }},
    Column{"tokens", "TOKENS", true,
           [](const RunSummary& run) { return number(run.tokens_input + run.tokens_output); }},
    Column{"in", "IN", true, [](const RunSummary& run) { return number(run.tokens_input); }},
    Column{"out", "OUT", true, [](const RunSummary& run) { return number(run.tokens_output); }},
    Column{"errors", "ERRORS", true, [](const RunSummary& run) { return number(run.errors); }},
    Column{"retries", "RETRIES", true, [](const RunSummary& run) { return number(run.retries); }},
    Column{"events", "EVENTS", true, [](const RunSummary& run) { return number(run.event_count); }},
    Column{"backend", "BACKEND", false,
           [](const RunSummary& run) { return screen_line(run.backend, 30); }},
    Column{"source", "SOURCE", false,
           [](const RunSummary& run) { return screen_line(run.source_file, 30); }},
    Column{"client", "CLIENT", false,
           [](const RunSummary& run) { return screen_line(run.client_key, 20); }},
    Column{"record", "RECORD-ID", false,
           [](const RunSummary& run) { return screen_line(run.record_id, 30); }},
    Column{"correlation", "CORRELATION", false,
           [](const RunSummary& run) { return screen_line(run.correlation_id, 36); }},
    Column{"flow", "FLOW", false, [](const RunSummary& run) { return screen_line(run.flow_name); }},
};

const Column& column_called(std::string_view name) {
  return *std::ranges::find(kColumns, name, &Column::name);
}

std::int64_t low_end(int latency_class) {
  return latency_class == 0 ? 0 : std::int64_t{1} << (latency_class - 1);
}

}  // namespace

std::vector<std::string> run_column_names() {
  std::vector<std::string> names;
  for (const Column& column : kColumns) names.emplace_back(column.name);
  return names;
}

std::vector<std::string> columns_of(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    names.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

std::string wrong_columns(const std::string& list) {
  const std::vector<std::string> known = run_column_names();
  for (const std::string& name : columns_of(list))
    if (std::ranges::find(known, name) == known.end())
      return fmt::format("no column \"{}\"; there are {}", name, fmt::join(known, ", "));
  return {};
}

std::string run_table(const std::vector<RunSummary>& runs, const std::vector<std::string>& columns,
                      std::size_t width) {
  std::vector<const Column*> shown;
  for (const std::string& name : columns) shown.push_back(&column_called(name));
  std::vector<std::vector<std::string>> rows(1);
  for (const Column* column : shown) rows[0].emplace_back(column->head);
  for (const RunSummary& run : runs) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column* column : shown) row.push_back(column->text(run));
  }
  std::vector<std::size_t> widths(shown.size());
  std::size_t fixed = 0;
  for (std::size_t i = 0; i + 1 < shown.size(); ++i) {
    for (const auto& row : rows) widths[i] = std::max(widths[i], count_characters(row[i]));
    fixed += ++widths[i];
  }
  std::size_t kept = shown.size() - 1;
  while (width > 0 && kept > 1 && fixed + kLeastText > width) fixed -= widths[--kept];
  const std::size_t room =
      width == 0 ? kTextWithoutTerminal : std::max(width, fixed + kLeastText) - fixed;
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kept; ++i)
      text += shown[i]->right ? fmt::format("{:>{}} ", row[i], widths[i] - 1)
                              : fmt::format("{:<{}}", row[i], widths[i]);
    text += screen_line(row.back(), room) + "\n";
  }
  return text;
}

std::string latency_text(std::int64_t ms) {
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f}s", static_cast<double>(ms) / 1000.0);
  const std::int64_t seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

std::string histogram_text(const std::map<int, std::int64_t>& classes, std::size_t width) {
  if (classes.empty()) return {};
  std::int64_t most = 1;
  for (const auto& [number, count] : classes) most = std::max(most, count);
  const std::size_t room = std::clamp<std::size_t>(width == 0 ? 80 : width, 40, 100) - 28;
  std::string text;
  for (int number = classes.begin()->first; number <= classes.rbegin()->first; ++number) {
    const auto found = classes.find(number);
    const std::int64_t count = found == classes.end() ? 0 : found->second;
    const auto length = static_cast<std::size_t>(
        static_cast<double>(count) * static_cast<double>(room) / static_cast<double>(most));
    std::string bar;
    for (std::size_t i = 0; i < std::max<std::size_t>(length, count > 0 ? 1 : 0); ++i) bar += "█";
    text += fmt::format("  {:>7} .. {:>7} {} {}\n", latency_text(low_end(number)),
                        latency_text(low_end(number + 1)), bar, count);
  }
  return text;
}

std::string sparkline(const std::vector<std::int64_t>& numbers) {
  std::int64_t most = 1;
  for (const std::int64_t each : numbers) most = std::max(most, each);
  std::string line;
  for (const std::int64_t each : numbers) {
    const double share = static_cast<double>(each) / static_cast<double>(most);
    const auto level = static_cast<std::size_t>(share * static_cast<double>(kBlocks.size() - 1));
    line += each <= 0 ? " " : kBlocks[std::min(level, kBlocks.size() - 1)];
  }
  return line;
}

}  // namespace agdb

#include "tools/agdb/process_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "debug/replay/screen_text.h"
#include "runtime/events/printable.h"

namespace agdb {

std::string clock_text(std::int64_t nanoseconds) {
  const std::int64_t seconds = std::max<std::int64_t>(0, nanoseconds) / 1'000'000'000;
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string short_count(std::int64_t number) {
  static constexpr std::array<const char*, 6> kUnits = {"", "k", "M", "G", "T", "P"};
  auto value = static_cast<double>(number);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{}", number);
  const char* name = kUnits.at(unit);
  return value < 99.95 ? fmt::format("{:.1f}{}", value, name)
                       : fmt::format("{:.0f}{}", value, name);
}

std::string budget_share(const Json& process) {
  const std::int64_t budget = process.integer("budget");
  if (budget <= 0) return "";
  const double share =
      100.0 * static_cast<double>(process.integer("tokens_used")) / static_cast<double>(budget);
  return share > 999 ? ">999%" : fmt::format("{:.0f}%", share);
}

std::string sparkline(const Json& recent, std::size_t width) {
  static constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t count = std::min(recent.size(), width);
  std::int64_t most = 1;
  for (std::size_t i = recent.size() - count; i < recent.size(); ++i)
    most = std::max(most, recent.items()[i].to_int().value_or(0));
  std::string bars;
  for (std::size_t i = recent.size() - count; i < recent.size(); ++i) {
    const std::int64_t tokens = std::max<std::int64_t>(0, recent.items()[i].to_int().value_or(0));
    const double share = static_cast<double>(tokens) / static_cast<double>(most);
    bars += kBars.at(std::min<std::size_t>(7, static_cast<std::size_t>(share * 8)));
  }
  return bars;
}

std::vector<TableRow> table_rows(const std::vector<Json>& processes, bool forest) {
  std::vector<TableRow> rows;
  if (!forest) {
    for (const Json& process : processes) rows.push_back({&process, 0});
    return rows;
  }
  std::set<std::int64_t> there;
  for (const Json& process : processes) there.insert(process.integer("pid"));
  std::multimap<std::int64_t, const Json*> children;
  std::vector<TableRow> open;  // roots, and later what is below them, the next one last
  for (auto process = processes.rbegin(); process != processes.rend(); ++process) {
    const std::int64_t parent = process->integer("ppid");
    if (parent == 0 || parent == process->integer("pid") || !there.contains(parent)) {
      open.push_back({&*process, 0});
    } else {
      children.emplace(parent, &*process);
    }
  }
  while (!open.empty()) {
    const TableRow row = open.back();
    open.pop_back();
    rows.push_back(row);
    const auto [first, last] = children.equal_range(row.process->integer("pid"));
    for (auto child = first; child != last; ++child) open.push_back({child->second, row.depth + 1});
  }
  return rows;
}

std::string table_header(Parents parents) {
  return fmt::format("{:>5} {}{:<9} {:>5} {:>6} {:>6} {:>6} {:>8} R {}", "PID",
                     parents == Parents::kShown ? " PPID " : "", "STATE", "STEPS", "TOKENS",
                     "BUDGET", "CTX", "ELAPSED", "INTENT");
}

std::string table_line(const TableRow& row, std::size_t width, Parents parents) {
  const Json& p = *row.process;
  std::string state(p.text("state"));
  if (p.text("alert") == "exceeded") state = state == "suspended" ? "held" : state;
  const std::string parent =
      parents == Parents::kShown ? fmt::format("{:>5} ", p.integer("ppid")) : "";
  const std::string fixed =
      fmt::format("{:>5} {}{:<9} {:>5} {:>6} {:>6} {:>6} {:>8} {} ", p.integer("pid"), parent,
                  printable(state), p.integer("steps"), short_count(p.integer("tokens_used")),
                  budget_share(p), short_count(p.integer("context_tokens")),
                  clock_text(p.integer("elapsed_ns")), p.text("record_id").empty() ? ' ' : '*');
  const std::string branch = row.depth == 0 ? "" : std::string(2 * row.depth - 2, ' ') + "└ ";
  std::string intent(p.text("intent"));
  if (!p.text("exit_reason").empty())
    intent = fmt::format("({}) {}", p.text("exit_reason"), intent);
  const std::size_t taken = fixed.size() + 2 * row.depth;
  const std::size_t room = width == 0 ? 0 : width > taken + 8 ? width - taken : 8;
  return fixed + branch + screen_line(intent, room);
}

}  // namespace agdb

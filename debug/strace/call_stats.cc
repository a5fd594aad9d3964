#include "debug/strace/call_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "debug/strace/value_text.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"

namespace agdb {
namespace {

// A class is named by the position of the value's highest bit and the 7 bits below it; smaller
// values are their own class.
constexpr std::uint32_t kBits = 7;

std::uint32_t class_of(std::uint64_t value) {
  if (value < (1u << kBits)) return static_cast<std::uint32_t>(value);
  const auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - kBits - 1;
  return (shift + 1) << kBits | (static_cast<std::uint32_t>(value >> shift) & ((1u << kBits) - 1));
}

std::uint64_t last_of_class(std::uint32_t name) {
  const std::uint32_t shift = name >> kBits;
  if (shift <= 1) return name;  // up to 2^8 every value is its own class
  const std::uint64_t leading = (1u << kBits) | (name & ((1u << kBits) - 1));
  return ((leading + 1) << (shift - 1)) - 1;
}

Nanoseconds saturating_add(Nanoseconds a, Nanoseconds b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.count(), b.count(), &sum)) return Nanoseconds::max();
  return Nanoseconds(sum);
}

double share_of(Nanoseconds part, Nanoseconds whole) {
  if (whole.count() <= 0) return 0;
  return 100.0 * static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

std::string table_row(std::string_view share, std::string_view total, std::string_view mean,
                      std::string_view p99, std::string_view max, std::string_view calls,
                      std::string_view errors, std::string_view name) {
  return fmt::format("{:>6} {:>10} {:>10} {:>10} {:>10} {:>9} {:>9} {}\n", share, total, mean, p99,
                     max, calls, errors, name);
}

std::string table_row(const CallStats::Row& row) {
  return table_row(fmt::format("{:.2f}", row.share_pct), adaptive_duration(row.total),
                   adaptive_duration(row.mean), adaptive_duration(row.p99),
                   adaptive_duration(row.max), fmt::format("{}", row.calls),
                   row.errors == 0 ? "" : fmt::format("{}", row.errors), printable(row.name));
}

Json row_json(const CallStats::Row& row) {
  return Json::object({{"syscall", row.name},
                       {"calls", row.calls},
                       {"errors", row.errors},
                       {"total_ns", row.total.count()},
                       {"mean_ns", row.mean.count()},
                       {"max_ns", row.max.count()},
                       {"p99_ns", row.p99.count()},
                       {"share_pct", row.share_pct}});
}

}  // namespace

void DurationHistogram::add(Nanoseconds duration) {
  ++classes_[class_of(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)))];
  ++count_;
}

Nanoseconds DurationHistogram::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (const auto& [name, count] : classes_) {
    seen += count;
    if (seen >= wanted) return Nanoseconds(static_cast<std::int64_t>(last_of_class(name)));
  }
  return Nanoseconds(0);
}

void CallStats::add(const Syscall& call) {
  auto entry = entries_.find(call.name);
  if (entry == entries_.end())
    entry = entries_.try_emplace(entries_.size() < kMaxNames ? call.name : "(others)").first;
  count(entry->second, call);
  count(all_, call);
}

void CallStats::add_lost(std::uint64_t events) {
  lost_ += events;
}

void CallStats::count(Entry& entry, const Syscall& call) {
  const Nanoseconds duration = std::max(call.duration, Nanoseconds(0));
  ++entry.calls;
  if (!call.err.empty()) ++entry.errors;
  entry.total = saturating_add(entry.total, duration);
  entry.max = std::max(entry.max, duration);
  entry.durations.add(duration);
}

CallStats::Row CallStats::row_of(std::string name, const Entry& entry, Nanoseconds all) {
  Row row;
  row.name = std::move(name);
  row.calls = entry.calls;
  row.errors = entry.errors;
  row.total = entry.total;
  row.max = entry.max;
  if (entry.calls > 0)
    row.mean = Nanoseconds(entry.total.count() / static_cast<std::int64_t>(entry.calls));
  row.p99 = std::min(entry.durations.percentile(0.99), entry.max);
  row.share_pct = share_of(entry.total, all);
  return row;
}

std::vector<CallStats::Row> CallStats::rows() const {
  std::vector<Row> rows;
  rows.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) rows.push_back(row_of(name, entry, all_.total));
  std::ranges::stable_sort(rows, std::ranges::greater(), &Row::total);
  return rows;
}

CallStats::Row CallStats::total() const {
  return row_of("total", all_, all_.total);
}

std::string call_stats_text(const CallStats& stats) {
  const std::string line10(10, '-');
  const std::string line9(9, '-');
  const std::string ruler =
      table_row("------", line10, line10, line10, line10, line9, line9, "----------------");
  std::string text =
      table_row("% time", "total", "mean", "p99", "max", "calls", "errors", "syscall") + ruler;
  for (const CallStats::Row& row : stats.rows()) text += table_row(row);
  text += ruler + table_row(stats.total());
  if (stats.lost() != 0)
    text += fmt::format("{} event{} lost and not counted here\n", stats.lost(),
                        stats.lost() == 1 ? " was" : "s were");
  return text;
}

Json call_stats_json(const CallStats& stats) {
  Json calls = Json::array();
  for (const CallStats::Row& row : stats.rows()) calls.push_back(row_json(row));
  return Json::object({{"calls", std::move(calls)},
                       {"total", row_json(stats.total())},
                       {"lost_events", stats.lost()}});
}

}  // namespace agdb

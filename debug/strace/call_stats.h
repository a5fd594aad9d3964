#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/event.h"
#include "runtime/events/json.h"

namespace agdb {

// Durations, counted in classes whose width is under 1 % of their value: any number of them takes
// little room, and a percentile is right to 1 %.
class DurationHistogram {
 public:
  void add(Nanoseconds duration);
  std::uint64_t count() const { return count_; }
  // The smallest duration that at least `share` (0 to 1) of all do not exceed, rounded up to its
  // class's end; 0 when there is none.
  Nanoseconds percentile(double share) const;

 private:
  std::map<std::uint32_t, std::uint64_t> classes_;
  std::uint64_t count_ = 0;
};

// Statistics of system calls by name, as strace -c shows them. Only system calls count: a model's
// time is that of the Read on its device. One thread at a time.
class CallStats {
 public:
  // Names told apart; calls with further names are counted together, as "(others)".
  static constexpr std::size_t kMaxNames = 10'000;

  struct Row {
    std::string name;
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
    Nanoseconds total{0};
    Nanoseconds mean{0};
    Nanoseconds max{0};
    Nanoseconds p99{0};
    double share_pct = 0;  // of the time of all calls

    bool operator==(const Row&) const = default;
  };

  void add(const Syscall& call);
  // Events known to be missing from these figures.
  void add_lost(std::uint64_t events);

  // The most time first; equal ones by name.
  std::vector<Row> rows() const;
  // All calls together, named "total".
  Row total() const;
  std::uint64_t lost() const { return lost_; }

 private:
  struct Entry {
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
    Nanoseconds total{0};
    Nanoseconds max{0};
    DurationHistogram durations;
  };
  static void count(Entry& entry, const Syscall& call);
  static Row row_of(std::string name, const Entry& entry, Nanoseconds all);

  std::map<std::string, Entry, std::less<>> entries_;
  Entry all_;
  std::uint64_t lost_ = 0;
};

// A table, the names last; each line ends with a line feed. Says when events are missing.
std::string call_stats_text(const CallStats& stats);
// {calls: [{syscall, calls, errors, total_ns, mean_ns, max_ns, p99_ns, share_pct}], total: {…},
// lost_events}
Json call_stats_json(const CallStats& stats);

}  // namespace agdb

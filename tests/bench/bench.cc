#include "tests/bench/bench.h"

#include <fmt/format.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <thread>

namespace agdb::bench {
namespace {

constexpr int kCalls = 20;
constexpr int kBursts = 3000;
constexpr int kTurns = 5;
constexpr std::int64_t kPause = 50'000;

bool every_goal_met = true;

void pin(pid_t thread, int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(thread, sizeof cores, &cores);
}

std::vector<pid_t> threads() {
  std::vector<pid_t> ids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ids.push_back(std::stoi(entry.path().filename()));
  return ids;
}

}  // namespace

void print_title(const std::string& title) {
  fmt::print("\n{}\n", title);
}

void print(const Row& row) {
  every_goal_met = every_goal_met && row.met;
  const std::string goal =
      row.goal.empty() ? std::string() : fmt::format("{}  {}", row.met ? "ok  " : "MISS", row.goal);
  fmt::print("  {:<64}{:>10.2f} {:<7}{}\n", row.what, row.figure, row.unit, goal);
  std::fflush(stdout);
}

bool all_met() {
  return every_goal_met;
}

void pin_apart() {
  if (std::thread::hardware_concurrency() < 2) return;
  for (const pid_t thread : threads()) pin(thread, thread == gettid() ? 0 : 1);
}

void pin_together() {
  for (const pid_t thread : threads()) pin(thread, 0);
}

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void spin(std::int64_t nanoseconds) {
  for (const std::int64_t end = now() + nanoseconds; now() < end;) continue;
}

double percentile(std::vector<double> values, double percent) {
  const auto rank = static_cast<std::size_t>(
      std::max(1.0, std::ceil(percent / 100 * static_cast<double>(values.size()))));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank - 1),
                   values.end());
  return values[rank - 1];
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 50);
}

Burst time_bursts(const std::function<void(int)>& burst_of_20) {
  std::vector<double> times;
  times.reserve(kBursts);
  for (int i = 0; i < kBursts; ++i) {
    const std::int64_t began = now();
    burst_of_20(i);
    times.push_back(static_cast<double>(now() - began) / kCalls);
    spin(kPause);
  }
  return {percentile(times, 50), percentile(times, 99.9)};
}

std::vector<Burst> time_by_turns(const std::vector<std::function<void(int)>>& ways) {
  std::vector<std::vector<double>> p50(ways.size());
  std::vector<std::vector<double>> p999(ways.size());
  for (int turn = 0; turn < kTurns; ++turn) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const Burst burst = time_bursts(ways[i]);
      p50[i].push_back(burst.p50);
      p999[i].push_back(burst.p999);
    }
  }
  std::vector<Burst> out;
  for (std::size_t i = 0; i < ways.size(); ++i) out.push_back({median(p50[i]), median(p999[i])});
  return out;
}

}  // namespace agdb::bench

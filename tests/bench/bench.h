#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace agdb::bench {

// One line of the table that the benchmark prints.
struct Row {
  std::string what;
  double figure = 0;
  std::string unit;       // "ns", "x", "M/s", …
  std::string goal = {};  // as a person reads it; empty: the row is an anchor
  bool met = true;
};

void print_title(const std::string& title);
void print(const Row& row);
// Whether every goal so far was met.
bool all_met();

// Puts the calling thread on one core, and all other threads of the program on another. A machine
// with one core leaves them where they are.
void pin_apart();
// Puts all threads on one core.
void pin_together();

// Nanoseconds of CLOCK_MONOTONIC.
std::int64_t now();
// Does nothing for that long, without giving up the core.
void spin(std::int64_t nanoseconds);

// Of the values, by nearest rank.
double percentile(std::vector<double> values, double percent);
double median(std::vector<double> values);

// Runs bursts of 20 calls of `emit` with a pause between, and gives the nanoseconds a call of each
// burst. What one emit costs is below what a clock can tell apart.
struct Burst {
  double p50 = 0;
  double p999 = 0;
};
Burst time_bursts(const std::function<void(int)>& burst_of_20);

// Several ways of doing one thing, run by turns so that what the machine does meanwhile falls on
// all; the median of each one's figures.
std::vector<Burst> time_by_turns(const std::vector<std::function<void(int)>>& ways);

// Keeps the compiler from leaving out how a value came about.
template <typename T>
void keep(T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// The parts of the benchmark, each a file.
void bench_emit();
void bench_serialise();
void bench_pipeline();
void bench_reading();
void bench_views();
void bench_wire();
void bench_trace_export();
void bench_trace();
void bench_store();
void bench_http();

}  // namespace agdb::bench

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "debug/store/database.h"
#include "debug/store/trace_store.h"

namespace agdb {

// What a transaction does to the sums that are kept, gathered so that each row of them is written
// once a transaction, however many traces come and go in it.
class TotalsDelta {
 public:
  // A trace that is there from now on; `first_time`: it also counts for what ever was.
  void add(const RunSummary& run, bool first_time);
  void remove(const RunSummary& run);
  // Traces come, less those that went.
  std::int64_t count() const { return count_; }
  // REQUIRES: the rows of the traces are as they will be.
  Status write(Database& database) const;

 private:
  struct Flow {
    std::int64_t count = 0;
    std::int64_t latency_ms = 0;
    std::int64_t with_errors = 0;
  };
  Status write_sums(Database& database) const;
  Status write_flows(Database& database) const;
  Status write_clients(Database& database) const;
  Status write_classes(Database& database) const;
  Status write_max_latency(Database& database) const;

  std::int64_t count_ = 0;
  std::array<RunSums, std::size(kRunStatuses)> live_{};
  std::array<RunSums, std::size(kRunStatuses)> ever_{};
  std::map<std::string, Flow> flows_;
  std::map<std::string, std::int64_t> clients_;
  std::map<int, std::int64_t> classes_;
  std::int64_t max_added_ms_ = -1;
  std::int64_t max_removed_ms_ = -1;
};

// All of them go, but for what ever was.
Status clear_totals(Database& database);

// How many traces are there.
Result<std::int64_t> live_count(Database& database);
Result<StoreStats> read_stats(Database& database);
// How many traces have a latency of a class, by class; no zeros.
Result<std::map<int, std::int64_t>> read_latency_classes(Database& database);
Result<std::int64_t> read_max_latency(Database& database);
// The flows with what is kept of each, by count, then name.
Result<std::vector<FlowAggregate>> read_flows(Database& database);

}  // namespace agdb

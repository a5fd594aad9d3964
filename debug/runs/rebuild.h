#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "debug/runs/run_of_recordings.h"

namespace agdb {

// Fills a store with the runs of all recordings, one run at a time, the oldest first. A run that is
// in the store keeps its id, annotations and correlation. Broken off, it can be begun again.
//
//   AGDB_TRY(Rebuild rebuild, Rebuild::begin(store, records_dir, tell));
//   for (bool more = true; more;) {
//     AGDB_TRY(more, rebuild.step());
//   }
//
// One thread at a time. The store outlives it.
class Rebuild {
 public:
  using Tell = std::function<void(const std::string& line)>;
  // `tell` gets a line for each run that cannot be read.
  static Result<Rebuild> begin(TraceStore& store, std::string records_dir, Tell tell);

  // Takes the next run in. False: all are, and the store does not lack them any more. Error: of the
  // store, which all other runs would meet, too.
  Result<bool> step();

  struct Counts {
    std::size_t runs = 0;  // taken in
    std::size_t unreadable = 0;
    std::size_t going_on = 0;  // whose recordings are still being written
  };
  const Counts& counts() const { return counts_; }
  // How many steps there are.
  std::size_t size() const { return runs_.size(); }

 private:
  Rebuild(TraceStore& store, std::string records_dir, Tell tell)
      : store_(&store), records_dir_(std::move(records_dir)), tell_(std::move(tell)) {}

  TraceStore* store_;
  std::string records_dir_;
  Tell tell_;
  std::vector<RecordedParts> runs_;
  std::size_t next_ = 0;
  Counts counts_;
};

}  // namespace agdb

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "debug/runs/rebuild.h"
#include "debug/runs/run_of_recordings.h"

namespace agdb {

// Takes runs that have ended into the store beside their recordings, and fills one from them that
// was begun anew beside a damaged one. The store is opened for the first of them, and anew when it
// was not to be had, or another program had set its file aside.
// One thread at a time.
class RunIntake {
 public:
  using Tell = std::function<void(const std::string& line)>;
  // `clock` outlives it. `tell` gets a line for each thing that went wrong, and what was found
  // wrong with the store.
  RunIntake(std::string records_dir, const Clock& clock, Tell tell);

  // The run that these recordings are of, or each of several runs; empty ids are passed over.
  // False: a run, or a part of one, is not in the store; `agdb runs rebuild` does it again.
  bool take(const std::vector<std::string>& record_ids);
  // Work on a store that is there, for moments in which nobody waits: a run of a rebuild, or
  // TraceStore::tidy. False: there is none.
  bool tidy();

 private:
  std::vector<ListedRecording> find(const std::vector<std::string>& record_ids, bool& all);
  Status keep(const RecordedParts& run);
  Status open();
  bool go_on_filling();
  void close();

  const std::string records_dir_;
  const Clock& clock_;
  const Tell tell_;
  std::optional<TraceStore> store_;
  std::optional<Rebuild> rebuild_;  // of store_; set while it is under way
};

}  // namespace agdb

#include "debug/runs/run_intake.h"

#include <utility>

namespace agdb {
namespace {

std::string not_stored(const Error& why) {
  return "not in the store of runs: " + why.message;
}

}  // namespace

Status keep_run(const RecordedParts& run, TraceStore& store, const std::string& records_dir) {
  AGDB_TRY(const RunTrace trace, run_trace_of(run, store, records_dir));
  AGDB_CHECK_OK(store.record_run(trace));
  return {};
}

RunIntake::RunIntake(std::string records_dir, const Clock& clock, Tell tell)
    : records_dir_(std::move(records_dir)), clock_(clock), tell_(std::move(tell)) {}

bool RunIntake::take(const std::vector<std::string>& record_ids) {
  bool all = true;
  for (const RecordedParts& run : by_run(find(record_ids, all))) {
    Status kept = keep(run);
    // Once more, on a file that is there.
    if (!kept && kept.error().code == Code::kUnavailable) kept = keep(run);
    if (kept) continue;
    tell_(not_stored(kept.error()));
    all = false;
  }
  return all;
}

bool RunIntake::tidy() {
  if (!store_) return false;
  const Result<bool> more = store_->tidy();
  if (!more) store_.reset();
  return more.value_or(false);
}

std::vector<ListedRecording> RunIntake::find(const std::vector<std::string>& record_ids,
                                             bool& all) {
  std::vector<ListedRecording> recordings;
  for (const std::string& id : record_ids) {
    if (id.empty()) continue;
    std::string folder = records_dir_ + "/" + id;
    Result<RecordingMetadata> metadata = read_metadata(folder);
    if (metadata) {
      recordings.push_back({.folder = std::move(folder), .metadata = *std::move(metadata)});
    } else {
      tell_(not_stored(metadata.error()));
      all = false;
    }
  }
  return recordings;
}

Status RunIntake::keep(const RecordedParts& run) {
  AGDB_CHECK_OK(open());
  Status kept = keep_run(run, *store_, records_dir_);
  if (!kept && kept.error().code == Code::kUnavailable) store_.reset();
  return kept;
}

Status RunIntake::open() {
  if (store_) return {};
  AGDB_TRY(TraceStore store, TraceStore::open(store_path(records_dir_), clock_));
  for (const std::string& note : store.notes()) tell_(note);
  store_ = std::move(store);
  return {};
}

}  // namespace agdb

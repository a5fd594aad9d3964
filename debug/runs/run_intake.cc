#include "debug/runs/run_intake.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace agdb {
namespace {

std::string not_stored(const Error& why) {
  return "not in the store of runs: " + why.message;
}

Status keep_run(const RecordedParts& run, TraceStore& store, const std::string& records_dir) {
  AGDB_TRY(const RunTrace trace, run_trace_of(run, store, records_dir));
  AGDB_CHECK_OK(store.record_run(trace));
  return {};
}

}  // namespace

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
  std::error_code ignored;
  if (!store_ && !std::filesystem::exists(store_path(records_dir_), ignored)) return false;
  if (!open()) return false;
  if (rebuild_) return go_on_filling();
  const Result<bool> more = store_->tidy();
  if (!more) close();
  return more.value_or(false);
}

bool RunIntake::go_on_filling() {
  const Result<bool> more = rebuild_->step();
  if (more && *more) return true;
  if (more) {
    tell_(fmt::format("the store of runs was filled again from {} recorded runs",
                      rebuild_->counts().runs));
    rebuild_.reset();
    return true;
  }
  tell_(fmt::format("the store of runs is not filled again: {}", more.error().message));
  close();
  return false;
}

void RunIntake::close() {
  rebuild_.reset();
  store_.reset();
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
  if (!kept && kept.error().code == Code::kUnavailable) close();
  return kept;
}

Status RunIntake::open() {
  if (store_) return {};
  AGDB_TRY(TraceStore store, TraceStore::open(store_path(records_dir_), clock_));
  for (const std::string& note : store.notes()) tell_(note);
  store_ = std::move(store);
  const Result<bool> lacks = store_->lacks_recorded_runs();
  if (!lacks.value_or(false)) return {};
  if (Result<Rebuild> begun = Rebuild::begin(*store_, records_dir_, tell_)) {
    rebuild_ = *std::move(begun);
  } else {
    tell_(fmt::format("the store of runs is not filled again: {}", begun.error().message));
  }
  return {};
}

}  // namespace agdb

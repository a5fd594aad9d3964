#include "debug/runs/rebuild.h"

#include <fmt/format.h>

#include <utility>

namespace agdb {

Result<Rebuild> Rebuild::begin(TraceStore& store, std::string records_dir, Tell tell) {
  Rebuild rebuild(store, std::move(records_dir), std::move(tell));
  AGDB_TRY(RecordingList list, list_recordings(rebuild.records_dir_));
  rebuild.counts_.unreadable = list.unreadable.size();
  for (const RecordingList::Unreadable& bad : list.unreadable)
    rebuild.tell_(fmt::format("{}: {}", bad.folder, bad.error.message));
  rebuild.runs_ = by_run(std::move(list.recordings));
  return rebuild;
}

Result<bool> Rebuild::step() {
  if (next_ == runs_.size()) {
    AGDB_CHECK_OK(store_->has_recorded_runs());
    return false;
  }
  const RecordedParts run = std::move(runs_[next_++]);
  if (!has_ended(run)) {
    ++counts_.going_on;
    return true;
  }
  const Result<RunTrace> trace = run_trace_of(run, *store_, records_dir_);
  const Result<StoredId> kept =
      trace ? store_->record_run(*trace) : Result<StoredId>(std::unexpected(trace.error()));
  if (trace && !kept && kept.error().code != Code::kInvalid) return std::unexpected(kept.error());
  if (!kept) tell_(fmt::format("{}: {}", run.recordings.front().folder, kept.error().message));
  ++(kept ? counts_.runs : counts_.unreadable);
  return true;
}

}  // namespace agdb

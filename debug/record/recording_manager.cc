#include "debug/record/recording_manager.h"

#include <fmt/format.h>

namespace agdb {
namespace {

constexpr std::string_view kSpawn = "Spawn";

}  // namespace

RecordingManager::RecordingManager(FileSystem& files, const Clock& clock, RecordingOptions options,
                                   RecordingLog log)
    : files_(files), clock_(clock), options_(std::move(options)), log_(std::move(log)) {}

void RecordingManager::on_event(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (const auto* start = std::get_if<ProcessStart>(&event.payload)) {
    if (recorders_.contains(event.pid)) {
      log_(fmt::format("PID {} was born twice; its recording goes on", raw(event.pid)));
    } else if (wants(event.pid, *start)) {
      begin(event.pid, *start);
    }
    return;
  }
  const auto recorder = recorders_.find(event.pid);
  if (recorder == recorders_.end()) return;
  if (const auto* ended = std::get_if<ProcessEnd>(&event.payload)) {
    end(recorder, kStatusCompleted, ended->exit_reason, ended->last_n);
  } else {
    take(*recorder->second, event);
  }
}

void RecordingManager::on_view(const EventView& event) {
  const RawSyscall* call = event.raw_syscall();
  if (call == nullptr || call->name == kSpawn) return on_event(event.event());
  const std::lock_guard lock(mutex_);
  const auto recorder = recorders_.find(event.pid());
  if (recorder != recorders_.end()) recorder->second->record(event, clock_.now());
}

void RecordingManager::on_idle() {
  const std::lock_guard lock(mutex_);
  const Nanoseconds now = clock_.now();
  for (auto& [pid, recorder] : recorders_) recorder->flush_if_due(now);
}

void RecordingManager::record(Pid pid) {
  const std::lock_guard lock(mutex_);
  wanted_.insert(pid);
}

bool RecordingManager::wants(Pid pid, const ProcessStart& start) const {
  return options_.record_all || wanted_.contains(pid) || recorders_.contains(start.parent);
}

void RecordingManager::begin(Pid pid, const ProcessStart& start) {
  RecorderOptions options{.durability = options_.durability,
                          .source = options_.source,
                          .parent = parent_of(pid, start),
                          .host = options_.host,
                          .recorded_at = clock_.wall()};
  Result<std::unique_ptr<Recorder>> recorder =
      Recorder::create(files_, options_.records_dir, pid, start, std::move(options), log_);
  if (!recorder) {
    ++totals_.failed;
    log_(fmt::format("PID {} is not recorded: {}{}{}", raw(pid), recorder.error().message,
                     recorder.error().hint.empty() ? "" : "; ", recorder.error().hint));
    return;
  }
  ++totals_.recordings;
  record_ids_[pid] = (*recorder)->record_id();
  recorders_[pid] = *std::move(recorder);
}

// What is known at the child's birth: all when its Spawn has come already, else at least the pid.
std::optional<RecordingParent> RecordingManager::parent_of(Pid child, const ProcessStart& start) {
  if (auto spawned = spawned_.extract(child)) return std::move(spawned.mapped());
  if (start.parent == kRuntimePid) return std::nullopt;
  const auto parent = record_ids_.find(start.parent);
  return RecordingParent{.record_id = parent == record_ids_.end() ? "" : parent->second,
                         .pid = start.parent};
}

void RecordingManager::take(Recorder& recorder, const Event& event) {
  const SeqNum seq_num = recorder.record(event, clock_.now());
  const auto* call = std::get_if<Syscall>(&event.payload);
  if (call != nullptr && call->name == kSpawn && call->err.empty() && seq_num != SeqNum{})
    note_spawn(recorder, seq_num, *call);
}

void RecordingManager::note_spawn(const Recorder& parent, SeqNum seq_num, const Syscall& call) {
  const std::optional<std::uint64_t> result = call.result.to_uint();
  if (!result) return;
  const auto child = static_cast<Pid>(*result);
  // A process's first events hold its own Spawn, seen from inside.
  if (child == parent.metadata().pid) return;
  link(child, {.record_id = parent.record_id(), .pid = parent.metadata().pid, .seq_num = seq_num});
}

void RecordingManager::link(Pid child, RecordingParent parent) {
  if (const auto living = recorders_.find(child); living != recorders_.end()) {
    living->second->set_parent(std::move(parent));
  } else if (const auto ended = ended_unlinked_.extract(child)) {
    patch_parent(ended.mapped().folder, std::move(parent));
  } else if (!record_ids_.contains(child)) {
    spawned_[child] = std::move(parent);
  }
}

void RecordingManager::patch_parent(const std::string& folder, RecordingParent parent) {
  Result<RecordingMetadata> metadata = read_metadata(folder);
  Status status;
  if (metadata) {
    metadata->parent = std::move(parent);
    status = write_metadata(files_, folder, *metadata, Persist::kContent);
  } else {
    status = std::unexpected(metadata.error());
  }
  if (!status)
    log_(fmt::format("the parent of {} is not noted: {}", folder, status.error().message));
}

Status RecordingManager::end(Recorders::iterator ending, std::string_view status,
                             std::string_view exit_reason, std::uint64_t last_n) {
  const Pid pid = ending->first;
  // Out of the table first: whoever asks now is told that it is not being recorded.
  const std::unique_ptr<Recorder> recorder = std::move(ending->second);
  recorders_.erase(ending);
  Status finished = recorder->finish(status, exit_reason, last_n);
  if (!finished) {
    log_(fmt::format("recording {} did not end well: {}", recorder->record_id(),
                     finished.error().message));
  }
  totals_.events += recorder->event_count();
  totals_.lost_events += recorder->lost_events();
  // No Spawn by this process can come any more; its own may.
  std::erase_if(ended_unlinked_, [&](const auto& child) { return child.second.parent == pid; });
  const std::optional<RecordingParent>& parent = recorder->metadata().parent;
  if (parent && parent->seq_num == SeqNum{} && recorders_.contains(parent->pid))
    ended_unlinked_[pid] = {.parent = parent->pid, .folder = recorder->folder()};
  return finished;
}

Result<std::uint64_t> RecordingManager::stop(Pid pid) {
  const std::lock_guard lock(mutex_);
  const auto found = recorders_.find(pid);
  if (found == recorders_.end()) {
    return fail(Code::kNotFound, fmt::format("PID {} is not being recorded", raw(pid)),
                "`agdb record list` shows what is");
  }
  const std::uint64_t before = totals_.events;
  AGDB_CHECK_OK(end(found, kStatusStopped, "", 0));
  return totals_.events - before;
}

Status RecordingManager::close_all() {
  const std::lock_guard lock(mutex_);
  Status first;
  while (!recorders_.empty()) {
    Status ended = end(recorders_.begin(), kStatusStopped, "", 0);
    if (first) first = std::move(ended);
  }
  return first;
}

bool RecordingManager::is_recording(Pid pid) const {
  const std::lock_guard lock(mutex_);
  return recorders_.contains(pid);
}

std::optional<std::string> RecordingManager::record_id(Pid pid) const {
  const std::lock_guard lock(mutex_);
  const auto found = record_ids_.find(pid);
  return found == record_ids_.end() ? std::nullopt : std::optional(found->second);
}

std::uint64_t RecordingManager::event_count(Pid pid) const {
  const std::lock_guard lock(mutex_);
  const auto found = recorders_.find(pid);
  return found == recorders_.end() ? 0 : found->second->event_count();
}

RecordingManager::Totals RecordingManager::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

}  // namespace agdb

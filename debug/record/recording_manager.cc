#include "debug/record/recording_manager.h"

#include <fmt/format.h>

namespace agdb {
namespace {

constexpr std::string_view kSpawn = "Spawn";

RecordingManager::Running running(Pid pid, const Recorder& recorder) {
  return {.pid = pid,
          .record_id = recorder.record_id(),
          .events = recorder.event_count(),
          .lost_events = recorder.lost_events()};
}

std::string not_recorded(Pid pid, const Error& why) {
  return fmt::format("PID {} is not recorded: {}{}{}", raw(pid), why.message,
                     why.hint.empty() ? "" : "; ", why.hint);
}

}  // namespace

RecordingManager::RecordingManager(FileSystem& files, const Clock& clock, RecordingOptions options,
                                   RecordingLog log)
    : files_(files), clock_(clock), options_(std::move(options)), log_(std::move(log)) {}

void RecordingManager::on_event(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (const auto* start = std::get_if<ProcessStart>(&event.payload)) return born(event.pid, *start);
  LiveProcess* process = processes_.find(event.pid);
  if (process == nullptr) return;
  if (const auto* ended = std::get_if<ProcessEnd>(&event.payload)) {
    if (process->recorder != nullptr)
      end(recorders_.find(event.pid), kStatusCompleted, ended->exit_reason, ended->last_n);
    gone(event.pid);
    return;
  }
  process->take(event);
  if (process->recorder != nullptr) take(*process->recorder, event);
}

void RecordingManager::on_view(const EventView& event) {
  const RawSyscall* call = event.raw_syscall();
  if (call == nullptr) return on_event(event.event());
  const std::lock_guard lock(mutex_);
  LiveProcess* process = processes_.find(event.pid());
  if (process == nullptr) return;
  process->take(event);
  if (process->recorder == nullptr) return;
  if (call->name == kSpawn) return take(*process->recorder, event.event());
  process->recorder->record(event, now());
}

void RecordingManager::on_idle() {
  const std::lock_guard lock(mutex_);
  now_ = clock_.now();
  for (auto& [pid, recorder] : recorders_) recorder->flush_if_due(now_);
}

// For the moments at which calls came: asking the clock takes a tenth of what a call does, and
// eight of them pass in microseconds.
Nanoseconds RecordingManager::now() {
  if (asked_++ % 8 == 0) now_ = clock_.now();
  return now_;
}

void RecordingManager::record(Pid pid) {
  const std::lock_guard lock(mutex_);
  wanted_.insert(pid);
}

void RecordingManager::withdraw(Pid pid) {
  const std::lock_guard lock(mutex_);
  wanted_.erase(pid);
}

void RecordingManager::gone(Pid pid) {
  processes_.ended(pid);
  if (!record_ids_.contains(pid)) return;
  ended_.push_back(pid);
  if (ended_.size() <= options_.ended_kept) return;
  record_ids_.erase(ended_.front());
  ended_.pop_front();
}

void RecordingManager::born(Pid pid, const ProcessStart& start) {
  if (const LiveProcess* living = processes_.find(pid)) {
    if (living->recorder != nullptr)
      log_(fmt::format("PID {} was born twice; its recording goes on", raw(pid)));
    return;
  }
  LiveProcess& process = processes_.born(pid, start);
  if (auto spawned = spawned_.extract(pid)) process.spawned_by = std::move(spawned.mapped());
  process.with_children = wants(pid, process);
  wanted_.erase(pid);
  if (!process.with_children && !options_.record_all) return;
  const Status begun = begin(pid, process, std::nullopt);
  if (!begun) log_(not_recorded(pid, begun.error()));
}

// Because of itself or of its parent, so that its own children are wanted too.
bool RecordingManager::wants(Pid pid, const LiveProcess& process) const {
  if (wanted_.contains(pid)) return true;
  const LiveProcess* parent = processes_.find(process.start.parent);
  return parent != nullptr && parent->with_children;
}

Status RecordingManager::begin(Pid pid, LiveProcess& process,
                               const std::optional<BeganLate>& late) {
  RecorderOptions options{.durability = options_.durability,
                          .source = options_.source,
                          .parent = parent_of(process),
                          .host = options_.host,
                          .recorded_at = clock_.wall(),
                          .began_late = late};
  if (late) options.contexts = process.contexts();
  Result<std::unique_ptr<Recorder>> recorder =
      Recorder::create(files_, options_.records_dir, pid, process.start, std::move(options), log_);
  if (!recorder) {
    ++totals_.failed;
    process.with_children = false;
    return std::unexpected(std::move(recorder).error());
  }
  ++totals_.recordings;
  record_ids_[pid] = (*recorder)->record_id();
  process.recorder = recorder->get();
  recorders_[pid] = *std::move(recorder);
  return {};
}

Result<LiveProcess*> RecordingManager::find_to_start(Pid pid) {
  LiveProcess* process = processes_.find(pid);
  if (process == nullptr && processes_.has_ended(pid)) {
    return fail(Code::kInvalid, fmt::format("process {} has ended", raw(pid)),
                "`agdb record list` shows what was recorded of it");
  }
  if (process == nullptr) {
    return fail(Code::kNotFound, fmt::format("no process with pid {}", raw(pid)),
                "`agdb ps` shows those that live");
  }
  if (process->recorder != nullptr) {
    return fail(Code::kInvalid, fmt::format("process {} is being recorded already (as {})",
                                            raw(pid), process->recorder->record_id()));
  }
  return process;
}

Result<std::string> RecordingManager::start(Pid pid) {
  const std::lock_guard lock(mutex_);
  AGDB_TRY(LiveProcess * process, find_to_start(pid));
  AGDB_CHECK_OK(begin(pid, *process, process->began_late()));
  return process->recorder->record_id();
}

Result<std::vector<RecordingManager::Running>> RecordingManager::start_with_children(Pid pid) {
  const std::lock_guard lock(mutex_);
  AGDB_TRY(LiveProcess * process, find_to_start(pid));
  AGDB_CHECK_OK(begin(pid, *process, process->began_late()));
  process->with_children = true;
  std::vector<Running> begun = {running(pid, *process->recorder)};
  for (const Pid each : processes_.descendants(pid)) {
    LiveProcess& descendant = *processes_.find(each);
    descendant.with_children = true;
    if (descendant.recorder != nullptr) continue;
    if (const Status status = begin(each, descendant, descendant.began_late()); status) {
      begun.push_back(running(each, *descendant.recorder));
    } else {
      log_(not_recorded(each, status.error()));
    }
  }
  return begun;
}

// Where the Spawn is known to stand; else at least the pid, and the parent's recording of the time.
std::optional<RecordingParent> RecordingManager::parent_of(const LiveProcess& process) const {
  if (process.spawned_by) return process.spawned_by;
  const Pid pid = process.start.parent;
  if (pid == kRuntimePid) return std::nullopt;
  RecordingParent parent{.record_id = "", .pid = pid};
  const LiveProcess* living = processes_.find(pid);
  const auto recorded = record_ids_.find(pid);
  // A parent whose recording was stopped is not recorded.
  const bool is_recorded = living == nullptr || living->recorder != nullptr;
  if (is_recorded && recorded != record_ids_.end()) parent.record_id = recorded->second;
  return parent;
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

void RecordingManager::link(Pid child, const RecordingParent& parent) {
  if (const auto children = ended_unlinked_.find(parent.pid); children != ended_unlinked_.end()) {
    const auto [first, last] = children->second.equal_range(child);
    for (auto ended = first; ended != last; ++ended) patch_parent(ended->second, parent);
    children->second.erase(first, last);
  }
  if (LiveProcess* living = processes_.find(child)) {
    living->spawned_by = parent;
    if (living->recorder != nullptr) living->recorder->set_parent(parent);
  } else if (!processes_.has_ended(child)) {
    spawned_[child] = parent;
  }
}

void RecordingManager::patch_parent(const std::string& folder, const RecordingParent& parent) {
  Result<RecordingMetadata> metadata = read_metadata(folder);
  Status status;
  if (metadata) {
    metadata->parent = parent;
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
  LiveProcess& process = *processes_.find(pid);
  process.recorder = nullptr;
  process.with_children = false;
  Status finished = recorder->finish(status, exit_reason, last_n);
  if (!finished) {
    ++totals_.unfinished;
    log_(fmt::format("recording {} did not end well: {}", recorder->record_id(),
                     finished.error().message));
  }
  totals_.events += recorder->event_count();
  totals_.lost_events += recorder->lost_events();
  // No Spawn by this process can come any more; its own may.
  ended_unlinked_.erase(pid);
  const std::optional<RecordingParent>& parent = recorder->metadata().parent;
  if (parent && parent->seq_num == SeqNum{} && recorders_.contains(parent->pid))
    ended_unlinked_[parent->pid].emplace(pid, recorder->folder());
  if (options_.ended) options_.ended(recorder->metadata());
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

std::vector<RecordingManager::Running> RecordingManager::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Running> all;
  for (const auto& [pid, recorder] : recorders_) all.push_back(running(pid, *recorder));
  return all;
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

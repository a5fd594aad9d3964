#include "ipc/daemon/run_keeper.h"

#include <fmt/format.h>

#include <utility>

#include "runtime/events/event_view.h"

namespace agdb {

RunKeeper::RunKeeper(Keep keep, Tidy tidy, Log log)
    : keep_(std::move(keep)),
      tidy_(std::move(tidy)),
      log_(std::move(log)),
      worker_([this] { work(); }) {}

RunKeeper::~RunKeeper() {
  close();
}

void RunKeeper::recorded(const RecordingMetadata& metadata) {
  const std::scoped_lock lock(mutex_);
  Run& run = runs_[metadata.run_id];
  if (run.record_ids.size() < kMaxRecordings) {
    run.record_ids.push_back(metadata.record_id);
  } else {
    run.too_large = true;
  }
}

void RunKeeper::on_view(const EventView& event) {
  if (event.raw_syscall() == nullptr) on_event(event.event());
}

void RunKeeper::on_event(const Event& event) {
  if (const auto* start = std::get_if<ProcessStart>(&event.payload)) {
    const std::scoped_lock lock(mutex_);
    if (run_of_.emplace(event.pid, start->run_id).second) ++runs_[start->run_id].alive;
  } else if (std::holds_alternative<ProcessEnd>(event.payload)) {
    const std::scoped_lock lock(mutex_);
    const auto found = run_of_.find(event.pid);
    if (found == run_of_.end()) return;
    const auto run = runs_.find(found->second);
    run_of_.erase(found);
    if (--run->second.alive > 0) return;
    ended(std::move(runs_.extract(run).mapped()));
  }
}

void RunKeeper::ended(Run run) {
  if (run.record_ids.empty()) return;
  if (closing_ || run.too_large || waiting_.size() >= kMaxWaiting) return leave_out(run);
  waiting_.push_back(std::move(run.record_ids));
  ++counts_.waiting;
  ready_.notify_one();
}

void RunKeeper::leave_out(const Run& run) {
  ++counts_.not_stored;
  const bool full = !closing_ && !run.too_large;
  if (full && std::exchange(told_full_, true)) return;
  const std::string why =
      full            ? fmt::format("{} wait already, and so for all that end now", kMaxWaiting)
      : run.too_large ? fmt::format("it has more than {} recordings", kMaxRecordings)
                      : "the daemon is ending";
  log_(fmt::format("the run of {} is not stored: {}; `agdb runs rebuild` brings it",
                   run.record_ids.front(), why));
}

void RunKeeper::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return closing_ || untidy_ || !waiting_.empty(); });
    if (!waiting_.empty()) {
      keep_next(lock);
    } else if (closing_) {
      return;
    } else {
      lock.unlock();
      const bool more = tidy_();
      lock.lock();
      untidy_ = more;
    }
  }
}

void RunKeeper::keep_next(std::unique_lock<std::mutex>& lock) {
  const std::vector<std::string> record_ids = std::move(waiting_.front());
  waiting_.pop_front();
  if (waiting_.empty()) told_full_ = false;
  lock.unlock();
  const bool stored = keep_(record_ids);
  lock.lock();
  --counts_.waiting;
  ++(stored ? counts_.stored : counts_.not_stored);
  untidy_ = true;
}

void RunKeeper::close() {
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) return;
    for (auto& [id, run] : std::exchange(runs_, {})) ended(std::move(run));
    run_of_.clear();
    closing_ = true;
  }
  ready_.notify_one();
  worker_.join();
}

RunKeeper::Counts RunKeeper::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace agdb

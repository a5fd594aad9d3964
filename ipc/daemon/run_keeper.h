#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "debug/record/metadata.h"
#include "runtime/events/bus.h"

namespace agdb {

// Has each run stored once all of its processes have ended, on a thread of its own: reading a run's
// recordings takes as long as they are. Runs of which nothing was recorded are passed over.
//
// A run whose process ends unseen (its end was lost) is stored when this is closed.
class RunKeeper final : public Subscriber {
 public:
  // Runs that wait; with more, the newest are not stored, but counted.
  static constexpr std::size_t kMaxWaiting = 10'000;
  // Recordings of one run; a run of more is not stored, but counted.
  static constexpr std::size_t kMaxRecordings = 100'000;

  // Stores the run of these recordings; answers whether it did. On this object's thread, or on the
  // one that closes it.
  using Keep = std::function<bool(const std::vector<std::string>& record_ids)>;
  // Work for moments in which no run waits, a little of it; false: there is no more.
  using Tidy = std::function<bool()>;
  using Log = std::function<void(const std::string& line)>;  // any thread
  RunKeeper(Keep keep, Tidy tidy, Log log);
  // Closes.
  ~RunKeeper() override;

  // A recording has ended. Before the end of its process comes as an event. Any thread.
  void recorded(const RecordingMetadata& metadata);
  void on_event(const Event& event) override;
  void on_view(const EventView& event) override;

  // Stores all that waits, and what has ended unseen; returns when it is stored.
  void close();

  struct Counts {
    std::uint64_t stored = 0;
    std::uint64_t waiting = 0;  // with the one that is being stored
    std::uint64_t not_stored = 0;
  };
  Counts counts() const;

 private:
  struct Run {
    std::uint64_t alive = 0;  // of its processes
    std::vector<std::string> record_ids;
    bool too_large = false;
  };
  void work();
  void keep_next(std::unique_lock<std::mutex>& lock);
  void ended(Run run);
  void leave_out(const Run& run);

  const Keep keep_;
  const Tidy tidy_;
  const Log log_;
  mutable std::mutex mutex_;  // all below but worker_
  std::condition_variable ready_;
  std::map<Pid, std::string> run_of_;  // of those that are alive
  std::map<std::string, Run> runs_;
  std::deque<std::vector<std::string>> waiting_;
  Counts counts_;
  bool told_full_ = false;
  bool untidy_ = true;  // what was left by others, too
  bool closing_ = false;
  std::thread worker_;
};

}  // namespace agdb

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "ipc/daemon/view_queue.h"

namespace agdb {

// What has just happened: the newest events of every process, and of all no more than fits, the
// oldest of all going first. One thread at a time.
class EventHistory {
 public:
  struct Entry {
    std::uint64_t arrival = 0;  // 1, 2, 3 … over all processes
    Pid pid{};
    EventJson text;
    // The path that an Open, Read, Write or Close is about; nullptr for others.
    std::shared_ptr<const std::string> path;
  };

  // One process's share. Goes back to the history by forget, before it goes away.
  class Share {
   public:
    Share() = default;
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    std::size_t size() const { return entries_.size(); }

   private:
    friend class EventHistory;
    struct Kept;
    std::deque<std::list<Kept>::iterator> entries_;  // oldest first
    std::uint64_t gone_ = 0;                         // events that were kept and are not any more
    std::uint64_t last_gone_ = 0;                    // the arrival of the newest of them
  };

  // `max_bytes`, over all processes, counts the texts and what keeping them takes.
  EventHistory(std::size_t events_a_process, std::size_t max_bytes);
  ~EventHistory();

  // Returns its arrival.
  std::uint64_t add(Share& share, Pid pid, EventJson text, std::shared_ptr<const std::string> path);
  void forget(Share& share);
  // Appends the newest, newest first, up to `count`.
  void newest(const Share& share, std::size_t count, std::vector<Entry>& out) const;
  // The newest of all processes, likewise.
  void newest(std::size_t count, std::vector<Entry>& out) const;

  // How many of a process's events behind arrival `after` are not there any more: at most so many,
  // and 0 only when all are there.
  static std::uint64_t missing(const Share& share, std::uint64_t after);
  // The same of all processes, exactly.
  std::uint64_t missing(std::uint64_t after) const;

  std::uint64_t arrivals() const { return arrivals_; }
  std::size_t events() const { return all_.size(); }
  std::size_t bytes() const { return bytes_; }
  // Events that went before their process had that many newer ones, for want of room.
  std::uint64_t dropped() const { return dropped_; }

 private:
  void drop_oldest(Share& share);

  const std::size_t events_a_process_;
  const std::size_t max_bytes_;
  std::list<Share::Kept> all_;  // in the order of arrival
  std::size_t bytes_ = 0;
  std::uint64_t arrivals_ = 0;
  std::uint64_t dropped_ = 0;
};

struct EventHistory::Share::Kept {
  Entry entry;
  Share* share = nullptr;
};

}  // namespace agdb

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace agdb {

// Server-sent events for one client, between whoever has something to tell and the connection. What
// is not read fast enough is lost, and where it is missing an event "lost" with {"lost": n} says
// how much; nobody waits for a slow client. Any thread.
class EventStream {
 public:
  // Of what waits for the client.
  static constexpr std::size_t kMaxWaiting = 1 << 20;

  explicit EventStream(std::size_t max_waiting = kMaxWaiting) : max_waiting_(max_waiting) {}
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  struct Event {
    std::string_view name = {};  // empty: "message" to the client
    std::string_view data;       // each line becomes a data line
    std::string_view id = {};    // empty: the client's Last-Event-ID stays as it was
  };
  // false: the client has gone, and nothing more is wanted.
  bool push(const Event& event);
  // So many events were lost before they came here.
  void count_lost(std::uint64_t events);
  // Nothing more will come; what waits is still sent.
  void end();

  // Called once when the client has gone, by the connection's thread; at once, when it has.
  void when_gone(std::function<void()> tell);
  bool gone() const;
  std::uint64_t lost() const;

  // The connection's side.

  // `wake` is called when there is something to take, by whichever thread pushes.
  void attach(const std::function<void()>& wake);
  // Appends what waits; false: that was all there will ever be.
  bool take(std::string& out);
  void leave();

 private:
  const std::size_t max_waiting_;
  mutable std::mutex mutex_;  // all below
  std::string waiting_;
  std::uint64_t missing_ = 0;  // behind what waits
  std::uint64_t lost_ = 0;
  bool ended_ = false;
  bool gone_ = false;
  bool woken_ = false;
  std::function<void()> wake_;
  std::function<void()> tell_gone_;
};

}  // namespace agdb

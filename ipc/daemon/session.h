#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "ipc/daemon/core.h"
#include "ipc/daemon/methods.h"
#include "ipc/wire/connection.h"
#include "ipc/wire/unix_socket.h"

namespace agdb {

// One connection: what came over it (agents, subscriptions) and what it still waits for. When it
// ends, its agents end and its subscriptions go. Loop's thread.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // Calls of one connection that wait for their answer (a process's end, a gate).
  static constexpr std::uint64_t kMaxPending = 10'000;

  // `core`, `methods` outlive it. `gone` is called once, last. Without a connection it answers
  // callers of this process; what it sends goes nowhere.
  Session(Core& core, const MethodTable& methods, std::unique_ptr<Connection> connection, Peer peer,
          std::function<void()> gone);
  ~Session();
  void start();

  const Peer& peer() const { return peer_; }

  // A process that this connection speaks for.
  void add_agent(Pid pid) { agents_.insert(pid); }
  void remove_agent(Pid pid) { agents_.erase(pid); }
  bool speaks_for(Pid pid) const { return agents_.contains(pid); }

  // Notifications of this connection that were refused since it was asked last.
  std::uint64_t take_rejected() { return std::exchange(rejected_, 0); }

  // Something that is told bit by bit: `feed` is called when there may be something to tell and the
  // peer reads fast enough; it sends, and returns whether there is more. `end` lets go of it.
  struct Subscription {
    std::function<bool(Session& session, std::uint64_t id)> feed;
    std::function<Json()> end;
  };
  std::uint64_t subscribe(Subscription subscription);
  // What `end` gave; nothing when there is no such subscription.
  std::optional<Json> unsubscribe(std::uint64_t id);
  // There is something to tell.
  void feed(std::uint64_t id);
  bool writable() const { return connection_ && connection_->writable(); }
  void send(std::string line);
  // Of what was sent and has not gone out yet.
  std::size_t queued_bytes() const { return connection_ ? connection_->queued_bytes() : 0; }

 private:
  struct Batch;
  void on_line(const LineBuffer::Line& line);
  void on_message(RpcMessage& message, const std::shared_ptr<Batch>& batch);
  void call(RpcMessage& message, const Answer& answer);
  void wait_for_recorder();
  void feed_all();
  void on_ended();
  void on_closed();
  void let_go(const char* reason);
  void finish_if_idle();

  Core& core_;
  const MethodTable& methods_;
  std::unique_ptr<Connection> connection_;
  const Peer peer_;
  std::function<void()> gone_;
  const bool counted_;  // as one of the core's connections
  std::set<Pid> agents_;
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::uint64_t next_subscription_ = 1;
  std::uint64_t pending_ = 0;  // calls that will be answered
  std::uint64_t rejected_ = 0;
  bool ended_ = false;  // the peer sends nothing more
};

}  // namespace agdb

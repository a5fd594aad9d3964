#include "ipc/daemon/session.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace agdb {

// The answers to one line: sent when the last is there.
struct Session::Batch {
  bool as_list = false;
  std::size_t expected = 0;
  std::size_t come = 0;
  std::vector<std::string> texts;
};

Session::Session(Core& core, const MethodTable& methods, std::unique_ptr<Connection> connection,
                 Peer peer, std::function<void()> gone)
    : core_(core),
      methods_(methods),
      connection_(std::move(connection)),
      peer_(peer),
      gone_(std::move(gone)),
      counted_(connection_ != nullptr) {
  if (counted_) ++core_.connections;
}

Session::~Session() {
  let_go("disconnected");
  if (counted_) --core_.connections;
}

void Session::start() {
  connection_->start({.line = [this](const LineBuffer::Line& line) { on_line(line); },
                      .drained = [this] { feed_all(); },
                      .ended = [this] { on_ended(); },
                      .closed = [this] { on_closed(); }});
}

void Session::on_line(const LineBuffer::Line& text) {
  if (text.too_long) {
    const RpcError error{
        RpcCode::kTooLong,
        "a line of over 64 MiB, beginning with " + dump(Json(text.text.substr(0, 40))),
        "send large contexts in pieces (keep, messages)"};
    send(error_text({}, error) + "\n");
    return;
  }
  RpcLine line = parse_rpc_line(text.text);
  auto batch = std::make_shared<Batch>();
  batch->as_list = line.batch;
  for (const RpcMessage& message : line.messages)
    if (message.kind == RpcMessage::Kind::kRequest || message.kind == RpcMessage::Kind::kInvalid)
      ++batch->expected;
  for (RpcMessage& message : line.messages) on_message(message, batch);
  if (!agents_.empty() && core_.is_behind()) wait_for_recorder();
}

void Session::wait_for_recorder() {
  if (!connection_) return;
  connection_->pause();
  core_.when_caught_up([weak = weak_from_this()] {
    const std::shared_ptr<Session> self = weak.lock();
    if (self && self->connection_) self->connection_->resume();
  });
}

void Session::on_message(RpcMessage& message, const std::shared_ptr<Batch>& batch) {
  if (message.kind == RpcMessage::Kind::kResponse) return;  // this side asks nothing
  if (message.kind == RpcMessage::Kind::kNotification) {
    call(message, [this](const MethodResult& result) {
      if (result) return;
      ++rejected_;
      ++core_.rejected_notifications;
      core_.log(Core::Level::kDebug, "rejected: " + result.error().message);
    });
    return;
  }
  const auto reply = [weak = weak_from_this(), batch, id = message.id](const MethodResult& result) {
    const std::shared_ptr<Session> self = weak.lock();
    if (!self) return;
    batch->texts.push_back(result ? result_text(id, dump(*result, {.sorted = false}))
                                  : error_text(id, result.error()));
    --self->pending_;
    if (++batch->come < batch->expected) return;
    std::string line;
    for (const std::string& text : batch->texts) line += (line.empty() ? "" : ",") + text;
    self->send(batch->as_list ? "[" + line + "]\n" : line + "\n");
    self->finish_if_idle();
  };
  if (++pending_ > kMaxPending) {
    reply(refuse({Code::kExhausted, "too many calls of this connection wait for their answer"}));
  } else if (message.kind == RpcMessage::Kind::kInvalid) {
    reply(std::unexpected(*message.error));
  } else {
    call(message, reply);
  }
}

void Session::call(RpcMessage& message, const Answer& answer) {
  const auto method = methods_.find(message.method);
  if (method == methods_.end()) {
    answer(std::unexpected(
        RpcError{RpcCode::kMethodNotFound, "no method " + message.method,
                 "ipc/README.md lists them; this is agdb " + core_.options.version}));
    return;
  }
  method->second({*this, message.params, answer});
}

void Session::send(std::string line) {
  if (connection_) connection_->send(std::move(line));
}

std::uint64_t Session::subscribe(Subscription subscription) {
  const std::uint64_t id = next_subscription_++;
  subscriptions_.emplace(id, std::move(subscription));
  return id;
}

std::optional<Json> Session::unsubscribe(std::uint64_t id) {
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return std::nullopt;
  const Subscription subscription = std::move(found->second);
  subscriptions_.erase(found);
  return subscription.end();
}

void Session::feed(std::uint64_t id) {
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return;
  while (writable())
    if (!found->second.feed(*this, id)) return;
}

void Session::feed_all() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, subscription] : subscriptions_) ids.push_back(id);
  for (const std::uint64_t id : ids) feed(id);
}

// Whoever sends nothing more speaks for no agent, and sees no view to its end; what it asked is
// still answered.
void Session::on_ended() {
  ended_ = true;
  let_go("disconnected");
  finish_if_idle();
}

void Session::finish_if_idle() {
  if (ended_ && pending_ == 0 && connection_) connection_->finish();
}

void Session::on_closed() {
  let_go("disconnected");
  // The last owner may be the one whom this call tells.
  const std::shared_ptr<Session> self = shared_from_this();
  connection_.reset();
  if (gone_) std::exchange(gone_, nullptr)();
}

void Session::let_go(const char* reason) {
  for (const Pid pid : std::exchange(agents_, {})) {
    const Status closed = core_.agents.close(pid, {1, reason});
    if (closed) core_.log(Core::Level::kInfo, "agent " + std::to_string(raw(pid)) + " " + reason);
  }
  for (const auto& [id, subscription] : std::exchange(subscriptions_, {})) subscription.end();
}

}  // namespace agdb

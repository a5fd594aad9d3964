#include "ipc/client/daemon_client.h"

#include <utility>

namespace agdb {

Result<DaemonClient> DaemonClient::connect(const std::string& path, int interrupt) {
  AGDB_TRY(BlockingConnection connection, BlockingConnection::open(path, interrupt));
  return DaemonClient(std::move(connection));
}

Result<Json> DaemonClient::call(std::string_view method, const Json& params) {
  const std::uint64_t id = next_id_++;
  const std::string text = params.is_null() ? "{}" : dump(params, {.sorted = false});
  AGDB_CHECK_OK(connection_.send(request_line(std::to_string(id), method, text)));
  for (;;) {
    AGDB_TRY(const std::optional<std::string_view> line, connection_.receive());
    RpcLine read = parse_rpc_line(line.value_or(std::string_view()));
    RpcMessage& message = read.messages.front();
    if (message.kind == RpcMessage::Kind::kNotification) {
      kept_.push_back({std::move(message.method), std::move(message.params)});
      continue;
    }
    if (message.kind == RpcMessage::Kind::kInvalid)
      return fail(Code::kCorrupt, "the daemon's answer is no JSON-RPC: " + message.error->message,
                  "is it a daemon of another release?");
    if (message.id.to_uint() != id && !message.id.is_null()) continue;  // of a call given up
    if (message.error) return std::unexpected(to_error(*message.error));
    return std::move(message.result);
  }
}

Result<std::optional<DaemonClient::Notification>> DaemonClient::next(
    std::optional<std::chrono::milliseconds> limit) {
  if (!kept_.empty()) {
    Notification first = std::move(kept_.front());
    kept_.pop_front();
    return first;
  }
  for (;;) {
    AGDB_TRY(const std::optional<std::string_view> line, connection_.receive(limit));
    if (!line) return std::nullopt;
    RpcLine read = parse_rpc_line(*line);
    RpcMessage& message = read.messages.front();
    if (message.kind == RpcMessage::Kind::kNotification)
      return Notification{std::move(message.method), std::move(message.params)};
  }
}

}  // namespace agdb

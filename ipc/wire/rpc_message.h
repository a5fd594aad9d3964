#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// JSON-RPC 2.0 messages (jsonrpc.org/specification) as values, and as lines. Any thread.

// What one line may hold, besides its bytes. A peer could otherwise make 40 bytes here of two bytes
// there, or have a million errors written for a line of "[1,1,1,…]".
struct RpcLimits {
  static constexpr std::size_t kBatch = 1000;
  static constexpr std::size_t kValues = std::size_t{1} << 20;
  // Deep enough for tool arguments; a context's messages nest six levels.
  static constexpr int kDepth = 128;
};

// The standard's error numbers, and ours (ipc/README.md). Programs compare them: they never change.
enum class RpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternal = -32603,
  kNotFound = -32001,
  kInvalid = -32002,
  kCorrupt = -32003,
  kIo = -32004,
  kPermission = -32005,
  kUnsupported = -32006,
  kTimeout = -32007,
  kExhausted = -32008,
  kUnavailable = -32009,
  kCancelled = -32010,
  kTooLong = -32020,
};
// "parse_error", …: the word in an error's data; "unknown" for other numbers.
std::string_view name_of(RpcCode code);

struct RpcError {
  RpcCode code = RpcCode::kInternal;
  std::string message;
  std::string hint = {};
};
// Ours as the wire tells it, and back. A missing method becomes kUnsupported (the other side is
// older), numbers that we have no code for become kInvalid.
RpcError rpc_error(const Error& error);
Error to_error(const RpcError& error);

// One message of a line.
struct RpcMessage {
  enum class Kind {
    kRequest,       // method, params, id
    kNotification,  // method, params
    kResponse,      // id, and result or error
    kInvalid,       // error (and id, where it could be read): to be answered with it
  };
  Kind kind = Kind::kInvalid;
  Json id;  // a text, a number or null; a number beyond 64 bits is the nearest double
  std::string method;
  Json params;  // an object or a list; null: there were none
  Json result;
  std::optional<RpcError> error;
};

struct RpcLine {
  std::vector<RpcMessage> messages;
  bool batch = false;  // they came as a list, and are answered by one
};
// Never fails: what is no message is one of kind kInvalid. At least one message. What is wrong with
// the line as a whole (a batch that is too large, too) is one message, and no batch.
RpcLine parse_rpc_line(std::string_view line);

// Lines, with their end. `id`, `result`, `params`: JSON text without line breaks that is taken as
// it stands. Empty `params` are left out.
std::string request_line(std::string_view id, std::string_view method, std::string_view params);
std::string notification_line(std::string_view method, std::string_view params);
// Without the line's end, as members of a batch's answer.
std::string result_text(const Json& id, std::string_view result);
std::string error_text(const Json& id, const RpcError& error);

}  // namespace agdb

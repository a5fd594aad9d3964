#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/wire/rpc_message.h"
#include "runtime/events/clock.h"
#include "runtime/events/json.h"
#include "runtime/events/message.h"

namespace agdb {

// Takes the parameters of one call, by name. The first that is missing, of the wrong type or out of
// range is the error, and so is one that nobody asked for: a misspelt name is not passed over.
// After an error all readers give their default.
//
//   Params params(request.params);
//   const std::string intent = params.text("intent");
//   if (const auto error = params.error()) return std::unexpected(*error);
class Params {
 public:
  // Null counts as no parameters. A list is an error: ours have names. Takes texts out of `json`,
  // which outlives it.
  explicit Params(Json& json);

  bool has(std::string_view name);
  std::string text(std::string_view name, std::string_view otherwise = {});
  std::string required_text(std::string_view name);
  bool boolean(std::string_view name, bool otherwise = false);
  // At least `least`; `otherwise` when it is missing.
  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t least = 0);
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t least = 0);
  std::uint64_t required_number(std::string_view name);
  std::optional<Nanoseconds> nanoseconds(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  // One of them; the first when it is missing.
  std::string one_of(std::string_view name, std::initializer_list<std::string_view> words);
  // Any value; null when it is missing.
  Json any(std::string_view name);
  Json object_or_null(std::string_view name);
  std::optional<std::vector<Message>> messages(std::string_view name);
  std::vector<ToolCall> tool_calls(std::string_view name);
  // For what has a reader of its own: refuses the value.
  void refuse(std::string_view name, std::string_view why);

  // To be asked last: it also finds parameters that nobody asked for.
  std::optional<RpcError> error();

 private:
  Json* take(std::string_view name);

  Json* json_;
  std::vector<std::string> asked_;
  std::optional<RpcError> error_;
};

}  // namespace agdb

#include "ipc/daemon/params.h"

#include <algorithm>
#include <utility>

namespace agdb {

Params::Params(Json& json) : json_(&json) {
  if (json.is_array())
    error_ = RpcError{RpcCode::kInvalidParams, "params are given by name, as an object"};
}

Json* Params::take(std::string_view name) {
  asked_.emplace_back(name);
  if (error_) return nullptr;
  Json* found = json_->find(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

void Params::refuse(std::string_view name, std::string_view why) {
  if (!error_)
    error_ = RpcError{RpcCode::kInvalidParams, std::string(name) + ": " + std::string(why)};
}

bool Params::has(std::string_view name) {
  return take(name) != nullptr;
}

std::string Params::text(std::string_view name, std::string_view otherwise) {
  Json* value = take(name);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return std::move(value->string());
  refuse(name, "expected a text");
  return std::string(otherwise);
}

std::string Params::required_text(std::string_view name) {
  std::string value = text(name);
  if (value.empty()) refuse(name, "expected a text that is not empty");
  return value;
}

bool Params::boolean(std::string_view name, bool otherwise) {
  const Json* value = take(name);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) refuse(name, "expected true or false");
  return value->to_bool().value_or(otherwise);
}

std::int64_t Params::integer(std::string_view name, std::int64_t otherwise, std::int64_t least) {
  return optional_integer(name, least).value_or(otherwise);
}

std::optional<std::int64_t> Params::optional_integer(std::string_view name, std::int64_t least) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = value->to_int();
  if (number && *number >= least) return number;
  refuse(name, "expected a whole number of at least " + std::to_string(least));
  return std::nullopt;
}

std::uint64_t Params::required_number(std::string_view name) {
  const Json* value = take(name);
  const std::optional<std::uint64_t> number = value == nullptr ? std::nullopt : value->to_uint();
  if (!number) refuse(name, "expected a whole number that is not negative");
  return number.value_or(0);
}

std::optional<Nanoseconds> Params::nanoseconds(std::string_view name) {
  const std::optional<std::int64_t> count = optional_integer(name);
  return count ? std::optional(Nanoseconds(*count)) : std::nullopt;
}

std::vector<std::string> Params::texts(std::string_view name) {
  std::vector<std::string> all;
  Json* value = take(name);
  if (value == nullptr) return all;
  if (!value->is_array()) {
    refuse(name, "expected a list of texts");
    return all;
  }
  for (Json& item : value->items()) {
    if (!item.is_string()) {
      refuse(name, "expected a list of texts");
      return {};
    }
    all.push_back(std::move(item.string()));
  }
  return all;
}

std::string Params::one_of(std::string_view name, std::initializer_list<std::string_view> words) {
  std::string value = text(name, *words.begin());
  if (std::ranges::find(words, value) != words.end()) return value;
  std::string known;
  for (const std::string_view word : words)
    known += (known.empty() ? "" : ", ") + std::string(word);
  refuse(name, "\"" + value + "\" is none of " + known);
  return std::string(*words.begin());
}

Json Params::any(std::string_view name) {
  Json* value = take(name);
  return value == nullptr ? Json() : std::move(*value);
}

Json Params::object_or_null(std::string_view name) {
  Json* value = take(name);
  if (value == nullptr) return {};
  if (value->is_object()) return std::move(*value);
  refuse(name, "expected an object");
  return {};
}

std::optional<std::vector<Message>> Params::messages(std::string_view name) {
  const Json* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) {
    refuse(name, "expected a list of messages");
    return std::nullopt;
  }
  std::vector<Message> all;
  all.reserve(value->size());
  for (const Json& item : value->items()) {
    Result<Message> message = message_from_json(item);
    if (!message) {
      refuse(std::string(name) + "[" + std::to_string(all.size()) + "]", message.error().message);
      return std::nullopt;
    }
    all.push_back(std::move(*message));
  }
  return all;
}

std::vector<ToolCall> Params::tool_calls(std::string_view name) {
  std::vector<ToolCall> all;
  const Json* value = take(name);
  if (value == nullptr) return all;
  if (!value->is_array()) {
    refuse(name, "expected a list of calls");
    return all;
  }
  for (const Json& item : value->items()) {
    Result<ToolCall> call = tool_call_from_json(item);
    if (!call) {
      refuse(std::string(name) + "[" + std::to_string(all.size()) + "]", call.error().message);
      return {};
    }
    all.push_back(std::move(*call));
  }
  return all;
}

std::optional<RpcError> Params::error() {
  if (!error_ && json_->is_object())
    for (const Json::Member& member : json_->members())
      if (std::ranges::find(asked_, member.key) == asked_.end())
        refuse(member.key, "there is no such parameter here");
  return error_;
}

}  // namespace agdb

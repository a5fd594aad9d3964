#include "debug/record/field_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/events/text.h"

namespace agdb {

FieldReader::FieldReader(Json::Object&& members, std::string path)
    : members_(std::move(members)), path_(std::move(path)) {}

Json* FieldReader::take(std::string_view key) {
  Json::Member* member = find(key);
  if (member == nullptr) return nullptr;
  taken_.push_back(member);
  return member->value.is_null() ? nullptr : &member->value;
}

void FieldReader::read(std::string_view key, std::string& out) {
  Json* json = take(key);
  if (json == nullptr) return;
  if (!json->is_string()) return wrong_type(key, "a text", *json);
  out = std::move(json->string());
}

void FieldReader::read(std::string_view key, std::uint64_t& out) {
  const Json* json = take(key);
  if (json == nullptr) return;
  const std::optional<std::uint64_t> value = json->to_uint();
  if (!value) return wrong_type(key, "an integer from 0", *json);
  out = *value;
}

void FieldReader::read(std::string_view key, std::int64_t& out) {
  const Json* json = take(key);
  if (json == nullptr) return;
  const std::optional<std::int64_t> value = json->to_int();
  if (!value) return wrong_type(key, "an integer", *json);
  out = *value;
}

void FieldReader::read(std::string_view key, double& out) {
  const Json* json = take(key);
  if (json == nullptr) return;
  const std::optional<double> value = json->to_double();
  if (!value) return wrong_type(key, "a number", *json);
  out = *value;
}

void FieldReader::read(std::string_view key, bool& out) {
  const Json* json = take(key);
  if (json == nullptr) return;
  const std::optional<bool> value = json->to_bool();
  if (!value) return wrong_type(key, "true or false", *json);
  out = *value;
}

void FieldReader::read(std::string_view key, Nanoseconds& out) {
  std::int64_t count = out.count();
  read(key, count);
  out = Nanoseconds(count);
}

Json::Array FieldReader::take_array(std::string_view key) {
  Json* json = take(key);
  if (json == nullptr) return {};
  if (json->is_array()) return std::move(json->items());
  wrong_type(key, "an array", *json);
  return {};
}

void FieldReader::wrong_type(std::string_view key, std::string_view expected, const Json& got) {
  report(key, fmt::format("expected {}, got {}", expected, describe(got)));
}

void FieldReader::report(std::string_view key, std::string_view what) {
  report(fmt::format("{}{}: {}", path_, key, what));
}

void FieldReader::report(std::string what) {
  if (error_.empty()) error_ = std::move(what);
}

Json FieldReader::take_unknown() {
  Json unknown;
  for (Json::Member& member : members_) {
    // A name that stands there twice has its last value; the others, written behind it, would
    // become that.
    const auto same_name = [&](const Json::Member* taken) { return taken->key == member.key; };
    if (std::any_of(taken_.begin(), taken_.end(), same_name)) continue;
    if (unknown.is_null()) unknown = Json::object();
    unknown.members().push_back(std::move(member));
  }
  return unknown;
}

Json::Member* FieldReader::find(std::string_view key) {
  const auto exact = [&](const Json::Member& member) { return member.key == key; };
  const auto folded = [&](const Json::Member& member) {
    return member.key.size() == key.size() && to_lower_ascii(member.key) == key;
  };
  auto found = std::find_if(members_.rbegin(), members_.rend(), exact);
  if (found == members_.rend()) found = std::find_if(members_.rbegin(), members_.rend(), folded);
  return found == members_.rend() ? nullptr : &*found;
}

std::string describe(const Json& json) {
  switch (json.type()) {
    case Json::Type::kNull:
    case Json::Type::kInt:
    case Json::Type::kUint:
    case Json::Type::kDouble:
      return dump(json);
    case Json::Type::kBool:
      return "a boolean";
    case Json::Type::kString:
      return "a text";
    case Json::Type::kArray:
      return "an array";
    case Json::Type::kObject:
      return "an object";
  }
  return "unknown";
}

}  // namespace agdb

#include "runtime/events/raw_event.h"

#include <bit>
#include <string>
#include <utility>

namespace agdb {
namespace raw_event {
namespace {

// The members of an object and the elements of an array, as values with and without keys.
template <typename Visitor>
void for_each_value(const Json& json, const Visitor& visit) {
  if (json.is_object()) {
    for (const Json::Member& member : json.members()) visit(Key(member.key), &member.value);
  } else if (json.is_array()) {
    for (const Json& item : json.items()) visit(Key(""), &item);
  }
}

}  // namespace

void write(Writer& out, const Key& key, double value) {
  out.head(RawTag::kDouble, key);
  out.word(std::bit_cast<std::uint64_t>(value));
}

std::size_t size(const Json* json) {
  switch (json->type()) {
    case Json::Type::kNull:
    case Json::Type::kBool:
      return 0;
    case Json::Type::kInt:
    case Json::Type::kUint:
    case Json::Type::kDouble:
      return 8;
    case Json::Type::kString:
      return size(std::string_view(json->string()));
    case Json::Type::kArray:
    case Json::Type::kObject:
      break;
  }
  std::size_t bytes = 8;
  for_each_value(*json,
                 [&](const Key& key, const Json* value) { bytes += head_size(key) + size(value); });
  return bytes;
}

void write(Writer& out, const Key& key, const Json* json) {
  switch (json->type()) {
    case Json::Type::kNull:
      return write(out, key, nullptr);
    case Json::Type::kBool:
      return write(out, key, *json->to_bool());
    case Json::Type::kInt:
      return write(out, key, *json->to_int());
    case Json::Type::kUint:
      return write(out, key, *json->to_uint());
    case Json::Type::kDouble:
      return write(out, key, *json->to_double());
    case Json::Type::kString:
      return write(out, key, std::string_view(json->string()));
    case Json::Type::kArray:
    case Json::Type::kObject:
      break;
  }
  out.head(json->is_object() ? RawTag::kObject : RawTag::kArray, key);
  out.word(json->size());
  for_each_value(*json, [&](const Key& name, const Json* value) { write(out, name, value); });
}

std::size_t size(Fields fields) {
  std::size_t bytes = 8;
  for (const Field& field : fields) bytes += head_size(field.key) + size(field.value);
  return bytes;
}

void write(Writer& out, const Key& key, Fields fields) {
  out.head(RawTag::kObject, key);
  out.word(fields.size());
  for (const Field& field : fields) write(out, field.key, field.value);
}

std::size_t size(const FieldValue& value) {
  return std::visit([](const auto& v) { return size(v); }, value);
}

void write(Writer& out, const Key& key, const FieldValue& value) {
  std::visit([&](const auto& v) { write(out, key, v); }, value);
}

}  // namespace raw_event

const std::byte* RawValue::end_of_values(const std::byte* body) {
  const std::byte* at = body + 8;
  for (std::uint64_t left = word_at(body); left > 0; --left) at = RawValue(at).end();
  return at;
}

Json RawValue::to_json() const {
  switch (tag()) {
    case RawTag::kNull:
      return nullptr;
    case RawTag::kFalse:
      return false;
    case RawTag::kTrue:
      return true;
    case RawTag::kInt:
      return integer();
    case RawTag::kUint:
      return unsigned_integer();
    case RawTag::kDouble:
      return number();
    case RawTag::kText:
      return text();
    case RawTag::kArray: {
      Json::Array items;
      for (const RawValue value : values()) items.push_back(value.to_json());
      return items;
    }
    case RawTag::kObject:
      break;
  }
  Json::Object members;
  for (const RawValue value : values())
    members.push_back({std::string(value.key()), value.to_json()});
  return members;
}

Syscall to_syscall(const RawSyscall& call) {
  Json::Object args;
  args.reserve(call.args.size());
  for (const RawValue value : call.args)
    args.push_back({std::string(value.key()), value.to_json()});
  return {.name = std::string(call.name),
          .args = args.empty() ? Json() : Json(std::move(args)),
          .result = call.result.to_json(),
          .err = std::string(call.err),
          .duration = call.duration,
          .span_id = {}};
}

}  // namespace agdb

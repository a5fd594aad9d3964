#include "ipc/api/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace schema {
namespace {

Json typed(std::string_view type) {
  return Json::object({{"type", type}});
}

}  // namespace

Json text() {
  return typed("string");
}

Json one_of(std::vector<std::string> words) {
  Json json = typed("string");
  Json list = Json::array();
  for (std::string& word : words) list.push_back(std::move(word));
  json.set("enum", std::move(list));
  return json;
}

Json integer() {
  return typed("integer");
}

Json integer(std::int64_t least, std::int64_t most) {
  return Json::object({{"type", "integer"}, {"minimum", least}, {"maximum", most}});
}

Json number() {
  return typed("number");
}

Json boolean() {
  return typed("boolean");
}

Json any() {
  return Json::object();
}

Json list(Json of) {
  Json json = typed("array");
  json.set("items", std::move(of));
  return json;
}

Json map(Json of) {
  Json json = typed("object");
  json.set("additionalProperties", std::move(of));
  return json;
}

Json object(std::initializer_list<Json::Member> members,
            std::initializer_list<Json::Member> optional) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Json::Member& member : members) {
    properties.set(member.key, member.value);
    required.push_back(member.key);
  }
  for (const Json::Member& member : optional) properties.set(member.key, member.value);
  Json json = typed("object");
  json.set("properties", std::move(properties));
  if (!required.empty()) json.set("required", std::move(required));
  json.set("additionalProperties", false);
  return json;
}

Json ref(std::string_view name) {
  return Json::object({{"$ref", fmt::format("#/components/schemas/{}", name)}});
}

Json described(Json schema, std::string_view description) {
  schema.set("description", description);
  return schema;
}

Json bounded(Json schema, std::string_view keyword, std::int64_t bound) {
  schema.set(keyword, bound);
  return schema;
}

}  // namespace schema

namespace {

std::unexpected<Error> wrong(const std::string& where, std::string_view expected) {
  return fail(Code::kInvalid, fmt::format("{}: expected {}", where, expected));
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return value.is_null();
}

Status check_bounds(std::int64_t size, const Json& schema, std::string_view least,
                    std::string_view most, std::string_view unit, const std::string& where) {
  if (const Json* const bound = schema.find(least); bound != nullptr && size < *bound->to_int())
    return wrong(where, fmt::format("at least {}{}", *bound->to_int(), unit));
  if (const Json* const bound = schema.find(most); bound != nullptr && size > *bound->to_int())
    return wrong(where, fmt::format("at most {}{}", *bound->to_int(), unit));
  return {};
}

Status check_text(const Json& value, const Json& schema, const std::string& where) {
  AGDB_CHECK_OK(check_bounds(static_cast<std::int64_t>(count_characters(value.string())), schema,
                             "minLength", "maxLength", " characters", where));
  const Json* const words = schema.find("enum");
  if (words == nullptr) return {};
  if (std::ranges::find(words->items(), value) != words->items().end()) return {};
  std::string known;
  for (const Json& word : words->items()) known += (known.empty() ? "" : ", ") + word.string();
  return wrong(where, "one of " + known);
}

Status check_list(const Json& value, const Json& schema, const Json& components,
                  const std::string& where) {
  AGDB_CHECK_OK(check_bounds(static_cast<std::int64_t>(value.size()), schema, "minItems",
                             "maxItems", " items", where));
  const Json* const items = schema.find("items");
  if (items == nullptr) return {};
  for (std::size_t i = 0; i < value.size(); ++i)
    AGDB_CHECK_OK(
        check_schema(value.items()[i], *items, components, fmt::format("{}[{}]", where, i)));
  return {};
}

Status check_members(const Json& value, const Json& schema, const Json& components,
                     const std::string& where) {
  const Json& properties = schema["properties"];
  const Json* const others = schema.find("additionalProperties");
  for (const Json::Member& member : value.members()) {
    const std::string place = where + "." + printable(truncate(member.key, 60));
    const Json* known = properties.find(member.key);
    if (known == nullptr && others != nullptr && others->is_object()) known = others;
    if (known == nullptr && others != nullptr && others->is_bool())
      return fail(Code::kInvalid, place + ": nobody asked for this member");
    // Who looks at the first and who looks at the last would see two values.
    if (others != nullptr && others->is_bool() && value.find(member.key) != &member.value)
      return fail(Code::kInvalid, place + " is given several times");
    if (known != nullptr) AGDB_CHECK_OK(check_schema(member.value, *known, components, place));
  }
  const Json* const required = schema.find("required");
  if (required == nullptr) return {};
  for (const Json& name : required->items())
    if (value.find(name.string()) == nullptr)
      return fail(Code::kInvalid, fmt::format("{}.{} is missing", where, name.string()));
  return {};
}

const Json* resolve(const Json& schema, const Json& components) {
  static constexpr std::string_view kPrefix = "#/components/schemas/";
  const Json* const named = schema.find("$ref");
  if (named == nullptr) return &schema;
  return components.find(std::string_view(named->string()).substr(kPrefix.size()));
}

}  // namespace

Status check_schema(const Json& value, const Json& given, const Json& components,
                    const std::string& where) {
  const Json* const schema = resolve(given, components);
  AGDB_ASSERT(schema != nullptr, where);
  const std::string_view type = schema->text("type");
  if (type.empty()) return {};
  if (!has_type(value, type)) {
    const bool vowel = type == "integer" || type == "array" || type == "object";
    return wrong(where, fmt::format("{} {}", vowel ? "an" : "a", type));
  }
  if (type == "integer") {
    const std::optional<std::int64_t> integer = value.to_int();
    if (!integer && schema->find("maximum") != nullptr)
      return wrong(where, fmt::format("at most {}", schema->integer("maximum")));
    return check_bounds(integer.value_or(INT64_MAX), *schema, "minimum", "maximum", "", where);
  }
  if (type == "string") return check_text(value, *schema, where);
  if (type == "array") return check_list(value, *schema, components, where);
  if (type == "object") return check_members(value, *schema, components, where);
  return {};
}

}  // namespace agdb

#include "runtime/events/json.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "runtime/events/json_order.h"

namespace agdb {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

bool is_integral(double value) {
  return std::trunc(value) == value;
}

bool same_members(const Json::Object& a, const Json::Object& b) {
  if (a.size() != b.size()) return false;
  const bool same_order = std::equal(a.begin(), a.end(), b.begin(),
                                     [](const auto& x, const auto& y) { return x.key == y.key; });
  if (same_order) return a == b;
  const auto sorted_a = members_by_key(a);
  const auto sorted_b = members_by_key(b);
  return std::equal(sorted_a.begin(), sorted_a.end(), sorted_b.begin(),
                    [](const auto* x, const auto* y) { return *x == *y; });
}

}  // namespace

Json::Json(unsigned long value) : Json(static_cast<unsigned long long>(value)) {}

Json::Json(unsigned long long value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = std::uint64_t{value};
  }
}

Json::Json(Array value) : value_(std::move(value)) {}
Json::Json(Object value) : value_(std::move(value)) {}

Json Json::object(std::initializer_list<Member> members) {
  return Json(Object(members));
}
Json Json::object() {
  return Json(Object{});
}
Json Json::array() {
  return Json(Array{});
}

std::optional<bool> Json::to_bool() const {
  if (const auto* value = std::get_if<bool>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::int64_t> Json::to_int() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
  const auto* value = std::get_if<double>(&value_);
  if (value != nullptr && is_integral(*value) && *value >= -kTwoTo63 && *value < kTwoTo63)
    return static_cast<std::int64_t>(*value);
  return std::nullopt;
}

std::optional<std::uint64_t> Json::to_uint() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) {
    if (*value < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
  }
  const auto* value = std::get_if<double>(&value_);
  if (value != nullptr && is_integral(*value) && *value >= 0 && *value < 2 * kTwoTo63)
    return static_cast<std::uint64_t>(*value);
  return std::nullopt;
}

std::optional<double> Json::to_double() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

std::optional<std::string_view> Json::to_string() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  return std::nullopt;
}

std::size_t Json::size() const {
  if (is_array()) return items().size();
  if (is_object()) return members().size();
  return 0;
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  const Object& all = members();
  const auto found = std::find_if(all.rbegin(), all.rend(),
                                  [key](const Member& member) { return member.key == key; });
  return found == all.rend() ? nullptr : &found->value;
}

Json* Json::find(std::string_view key) {
  return const_cast<Json*>(static_cast<const Json&>(*this).find(key));
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  const Json* found = find(key);
  return found == nullptr ? null : *found;
}

std::string_view Json::text(std::string_view key, std::string_view otherwise) const {
  const Json* found = find(key);
  return found != nullptr && found->is_string() ? std::string_view(found->string()) : otherwise;
}

std::int64_t Json::integer(std::string_view key, std::int64_t otherwise) const {
  const Json* found = find(key);
  return found == nullptr ? otherwise : found->to_int().value_or(otherwise);
}

bool Json::boolean(std::string_view key, bool otherwise) const {
  const Json* found = find(key);
  return found == nullptr ? otherwise : found->to_bool().value_or(otherwise);
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  if (Json* found = find(key)) {
    *found = std::move(value);
  } else {
    members().push_back({std::string(key), std::move(value)});
  }
  return *this;
}

void Json::erase(std::string_view key) {
  if (is_object())
    std::erase_if(members(), [key](const Member& member) { return member.key == key; });
}

Json& Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  items().push_back(std::move(value));
  return *this;
}

bool Json::operator==(const Json& other) const {
  if (type() != other.type()) return false;
  if (is_object()) return same_members(members(), other.members());
  // By bits: a NaN equals its copy, and 0.0 is not -0.0, which has a text of its own.
  if (const auto* value = std::get_if<double>(&value_))
    return std::bit_cast<std::uint64_t>(*value) ==
           std::bit_cast<std::uint64_t>(std::get<double>(other.value_));
  return value_ == other.value_;
}

}  // namespace agdb

#include "tests/conformance/matching.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace agdb::conformance {

namespace {

constexpr double kTolerance = 1e-9;

bool is_nothing(const Json& value) {
  return value.is_null() || (value.is_array() && value.empty());
}

bool numbers_match(const Json& expected, const Json& got) {
  if (expected.is_integer() && got.is_integer()) return expected == got;
  const double a = *expected.to_double();
  const double b = *got.to_double();
  return a == b || std::abs(a - b) <= kTolerance * std::max(std::abs(a), std::abs(b));
}

bool lists_match(const Json& expected, const Json& got) {
  return std::equal(expected.items().begin(), expected.items().end(), got.items().begin(),
                    got.items().end(), matches);
}

bool has_error_with(const Json& part, const Json& got) {
  const auto wanted = part.to_string();
  const auto error = got["error"].to_string();
  return wanted && error && error->find(*wanted) != std::string_view::npos;
}

bool objects_match(const Json& expected, const Json& got) {
  return std::all_of(
      expected.members().begin(), expected.members().end(), [&](const Json::Member& member) {
        return member.key == "error_contains" ? has_error_with(member.value, got)
                                              : matches(member.value, got[member.key]);
      });
}

}  // namespace

bool matches(const Json& expected, const Json& got) {
  if (is_nothing(expected)) return is_nothing(got);
  if (expected.is_number()) return got.is_number() && numbers_match(expected, got);
  if (expected.is_array()) return got.is_array() && lists_match(expected, got);
  if (expected.is_object()) return got.is_object() && objects_match(expected, got);
  return expected == got;
}

}  // namespace agdb::conformance

#include "tools/agdb/checks.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "debug/strace/filter.h"

namespace agdb {
namespace {

// The number that the whole word is, -1 when it is none from 0 up.
std::int64_t whole_number(const std::string& word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size() && number >= 0 ? number : -1;
}

}  // namespace

std::string above_zero(const std::string& word) {
  return whole_number(word) > 0 ? "" : fmt::format("expected a whole number above 0, got {}", word);
}

std::string event_number(const std::string& word) {
  return whole_number(word) >= 0 ? "" : fmt::format("expected an event's number, got {}", word);
}

std::string filter_expression(const std::string& word) {
  const Result<Filter> filter = Filter::parse(word);
  if (filter) return {};
  return filter.error().hint.empty() ? filter.error().message
                                     : filter.error().message + "; " + filter.error().hint;
}

}  // namespace agdb

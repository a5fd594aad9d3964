#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "debug/trace/trace_event.h"

namespace agdb {

// How the members of a call's arguments and result, and those of other payloads, become fields of a
// TraceEvent: one rule for values in memory and for values in a line.

// A value that is neither a list nor an object.
struct FlatValue {
  std::optional<std::string_view> text;
  std::optional<std::int64_t> number;  // an integer
  std::optional<double> real;          // any number
};

// 3 in "FD(3)".
inline std::optional<std::int64_t> descriptor_in(std::string_view text) {
  if (!text.starts_with("FD(") || !text.ends_with(")")) return std::nullopt;
  const std::string_view digits = text.substr(3, text.size() - 4);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Where a known text argument goes; nullptr for others, which need not be read.
std::string_view* text_argument(TraceEvent& event, std::string_view key);
// Whether a known argument of that name is a number.
bool is_number_argument(std::string_view key);
void take_number_argument(TraceEvent& event, std::string_view key, std::int64_t value);
// What is written, whole.
void take_written(TraceEvent& event, std::string_view data);
// A result that is one value.
void take_result(TraceEvent& event, const FlatValue& value);
// A member of a result that is an object; those of other keys need not be read.
bool is_known_result(std::string_view key);
void take_result_member(TraceEvent& event, std::string_view key, const FlatValue& value);

}  // namespace agdb

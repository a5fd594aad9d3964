#include "runtime/events/token_estimate.h"

#include <algorithm>

#include "runtime/events/text.h"

namespace agdb {

std::int64_t estimate_tokens(std::string_view text) {
  const auto ascii = std::count_if(text.begin(), text.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const auto others = static_cast<std::int64_t>(count_characters(text)) - ascii;
  // ascii / 3.5 + others / 1.5, over their common denominator: exact where a sum of doubles need
  // not be.
  return (6 * ascii + 14 * others + 20) / 21;
}

}  // namespace agdb

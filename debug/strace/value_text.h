#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/json.h"

namespace agdb {

// How values look in lines for people. Raw: fit for a terminal only after printable().

// Null is "<nil>", text stands as it is, lists are [a b], objects map[k:v k2:v2] by key. Integral
// numbers are written plainly, others shortest, with an exponent from 1e+06 and below 1e-4. With
// `max_bytes`, stops soon after that many: enough to see that the text is longer.
std::string value_text(const Json& value, std::size_t max_bytes = std::string::npos);

// In double quotes, with escapes for quotes, backslashes and all that is not printable.
std::string quoted_text(std::string_view text);

// Cuts for lines of a bounded width, never within a character or an escape.
//
// Plain text of more than `limit` bytes: its first limit - 3 and "...".
std::string printable_within(std::string_view text, std::size_t limit);
// Quoted text of more than limit + 2 bytes with its quotes: its first limit - 1, "..." and a quote.
std::string quoted_within(std::string_view text, std::size_t limit);

// An object's members by key, of several of one name the last. Valid until the object changes.
std::vector<const Json::Member*> sorted_members(const Json& object);

}  // namespace agdb

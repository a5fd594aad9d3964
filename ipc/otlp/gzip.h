#pragma once

#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// RFC 1952.
Result<std::string> gzip(std::string_view text);
// Back again, from one member or several. Errors: what is no gzip, or is cut (kInvalid); a text of
// more than `limit` bytes (kExhausted), of which no more than that is ever made.
Result<std::string> gunzip(std::string_view packed, std::size_t limit);

}  // namespace agdb

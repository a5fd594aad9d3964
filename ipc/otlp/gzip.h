#pragma once

#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// RFC 1952.
Result<std::string> gzip(std::string_view text);

}  // namespace agdb

#pragma once

#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// Whether `id`, which somebody typed or sent, is the id of a recording: one path component of
// [A-Za-z0-9._-] that does not begin with a dot. The error names it.
Status check_record_id(std::string_view id);

// The order of lists: runs of digits compare as numbers ("2-100" before "10-100"), the rest by
// bytes.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace agdb

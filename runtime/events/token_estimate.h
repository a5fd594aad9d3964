#pragma once

#include <cstdint>
#include <string_view>

namespace agdb {

// How many tokens a text takes, when no provider has counted them: ASCII characters / 3.5 + other
// code points / 1.5, rounded up (the reference's modern estimator); 0 for an empty text.
std::int64_t estimate_tokens(std::string_view text);

}  // namespace agdb

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/events/json.h"

namespace agdb {

// How texts that are not UTF-8 travel through JSON: the text with U+FFFD under its key, and behind
// it the exact bytes under "<key>_base64".

inline constexpr std::string_view kBase64Suffix = "_base64";

// The bytes that `text` stands for; nothing when `base64` is no sibling of it, but somebody's own
// member that happens to be called so.
std::optional<std::string> bytes_behind(std::string_view text, std::string_view base64);

// Gives the texts among `members` the bytes of the sibling that follows them, and takes that away.
void restore_siblings(Json::Object& members);

}  // namespace agdb

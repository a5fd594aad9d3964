#pragma once

#include <string>
#include <string_view>

#include "tools/agdb/command.h"

namespace agdb {

// Lets the person edit a text in their editor, in a private temporary file named `name`. kInvalid
// when no editor is set; kCancelled when the editor failed, with the file's path in the hint.
Result<std::string> edit_text(std::string_view text, std::string_view name, const Environment& env);

}  // namespace agdb

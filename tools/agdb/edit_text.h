#pragma once

#include <functional>
#include <string_view>

#include "tools/agdb/command.h"

namespace agdb {

// Lets the person edit a text in their editor, in a private temporary file named `name`, and hands
// what came of it to `use`. The file goes only when `use` could use it: nobody's typing is thrown
// away. kInvalid when no editor is set; kCancelled when the editor failed; else what `use` says.
// The hint names the file that is left.
Status edit_text(std::string_view text, std::string_view name, const Environment& env,
                 const std::function<Status(std::string_view edited)>& use);

}  // namespace agdb

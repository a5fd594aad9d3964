#pragma once

#include <string>
#include <string_view>

namespace agdb {

// Appends what the content of a JSON string, as it stands between its quotes, means. It is never
// longer than that. False: an escape that is none, or half of a surrogate pair; what was appended
// means nothing then.
bool append_unescaped(std::string& out, std::string_view content);

}  // namespace agdb

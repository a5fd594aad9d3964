#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/events/message.h"

namespace agdb {

// Whose result each tool message is, "" for other roles. In this order: the message's own name;
// that of the nearest earlier call of its id which has no result yet; the first of a list of
// well-known names that occurs anywhere in the text (the reference's way, which takes "already" for
// "read"); the start of its id; "unknown". One entry a message; none of them null.
std::vector<std::string> tool_names(std::span<const Message* const> messages);

}  // namespace agdb

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/events/message.h"

namespace agdb {

// Recorded text made fit for a terminal (runtime/events/printable.h): what an agent wrote must
// never drive the terminal of the person who looks at it.

// On one line; cut to `width` characters, the last of which is then "…". 0 = not cut.
std::string screen_line(std::string_view text, std::size_t width = 0);
// Line feeds and tabs stay as they are.
std::string screen_text(std::string_view text);
// A message as one line of a list: "[assistant] text → read_file({"path":…})"; of a longer text the
// first line and the number of the others. Cut to `width` characters; 0 = not cut.
std::string screen_message(const Message& message, std::size_t width = 0);

// The rest is not yet made fit for a terminal.

// A message's content, and a line for each tool call: "text\n→ read_file({"path":"a"})".
std::string message_body(const Message& message);
// The same behind the role, as version 1 wrote messages: "[assistant] text\n→ …".
std::string message_text(const Message& message);

}  // namespace agdb

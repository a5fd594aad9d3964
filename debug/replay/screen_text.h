#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/events/message.h"

namespace agdb {

// Recorded text made fit for a terminal: what an agent wrote must never drive the terminal of the
// person who looks at it. Control characters (also the C1 ones, and DEL) become \n, \t, \x1b,
// \u009b; bytes that are not UTF-8 become U+FFFD.

// On one line; cut to `width` characters, the last of which is then "…". 0 = not cut.
std::string screen_line(std::string_view text, std::size_t width = 0);
// Line feeds and tabs stay as they are.
std::string screen_text(std::string_view text);
// The first line of a message as a person reads it in a list: "[assistant] text →
// read_file({"path":…})", with the number of further lines when there are any. Cut to `width`
// characters; 0 = not cut.
std::string screen_message(const Message& message, std::size_t width = 0);

// A message as one text, as version 1 wrote it, and a line for each tool call:
// "[assistant] text\n→ read_file({"path":"a"})". Not yet made fit for a terminal.
std::string message_text(const Message& message);
// The text behind the role.
std::string message_body(const Message& message);

}  // namespace agdb

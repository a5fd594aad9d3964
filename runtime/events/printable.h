#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agdb {

// Text of unknown origin made fit for a terminal: nothing in it can move the cursor, change
// colours, start a new line, hide or reorder what stands beside it. What is not printable (control
// and format characters, unassigned ones, bytes that are not UTF-8) becomes an escape: \n \t \x1b
// \u202e \xff.

enum class EscapeStyle {
  kPlain,   // quotes and backslashes stay; all of Unicode's blanks stay
  kQuoted,  // as inside double quotes: \" and \\ too; of the blanks only the ASCII one stays
};

// Appends as much of `text` as `out` can take without becoming longer than `max_size` bytes, and
// never a part of a character or of an escape. Returns how many bytes of `text` that was.
std::size_t append_printable(std::string& out, std::string_view text, EscapeStyle style,
                             std::size_t max_size = std::string::npos);

// All of the text, in the plain style.
std::string printable(std::string_view text);

}  // namespace agdb

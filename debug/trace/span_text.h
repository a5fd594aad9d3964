#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "debug/trace/span.h"

namespace agdb {

// What the texts of this room are put together from. Names, ids and reasons come from outside: they
// are made fit for a terminal here.

// Of a longer name a text has so many characters and "...": an agent is called by its intent, which
// can be a page. 40 leave room for a tree and its figures in 80 columns.
inline constexpr std::size_t kNameInText = 40;
void append_name(std::string& out, std::string_view name);
// "NAME (PID n)".
std::string span_label(const Span& span);
void append_label(std::string& out, const Span& span);
// "kind NAME", or the kind alone where it says the same.
std::string kind_label(SpanKind kind, std::string_view name);
// "12 tok".
std::string token_text(std::int64_t tokens);
// "12.3%"; of nothing 0.
std::string percent_text(double percent);
double percent_of(double part, double whole);

// Blanks behind (left) or before (right) the text up to that many characters.
void append_left(std::string& out, std::string_view text, std::size_t width);
// The same for what stands in `out` from `begin` on.
void pad_left(std::string& out, std::size_t begin, std::size_t width);
void append_right(std::string& out, std::string_view text, std::size_t width);

// "── Title ─────" with its line feed, `dashes` of them behind the title.
void append_section(std::string& out, std::string_view title, int dashes);

}  // namespace agdb

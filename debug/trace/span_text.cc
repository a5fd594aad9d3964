#include "debug/trace/span_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

std::size_t blanks_for(std::string_view text, std::size_t width) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (text.size() <= width && std::all_of(text.begin(), text.end(), is_ascii))
    return width - text.size();
  const std::size_t characters = count_characters(text);
  return characters < width ? width - characters : 0;
}

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_name(std::string& out, std::string_view name) {
  // The common case by its bytes, of which there are never fewer than characters.
  const std::string_view shown =
      name.size() <= kNameInText ? name : prefix_of_characters(name, kNameInText);
  append_printable(out, shown, EscapeStyle::kPlain);
  if (shown.size() < name.size()) out += "...";
}

void append_label(std::string& out, const Span& span) {
  append_name(out, span.name);
  out += " (PID ";
  append_number(out, raw(span.pid));
  out += ')';
}

std::string span_label(const Span& span) {
  std::string label;
  append_label(label, span);
  return label;
}

std::string kind_label(SpanKind kind, std::string_view name) {
  std::string label(span_kind_name(kind));
  if (name.empty() || name == label) return label;
  label += ' ';
  append_name(label, name);
  return label;
}

std::string token_text(std::int64_t tokens) {
  std::string text;
  append_number(text, tokens);
  return text += " tok";
}

std::string percent_text(double percent) {
  return fmt::format("{:.1f}%", percent);
}

double percent_of(double part, double whole) {
  return whole > 0 ? part / whole * 100 : 0;
}

void append_left(std::string& out, std::string_view text, std::size_t width) {
  out += text;
  out.append(blanks_for(text, width), ' ');
}

void pad_left(std::string& out, std::size_t begin, std::size_t width) {
  out.append(blanks_for(std::string_view(out).substr(begin), width), ' ');
}

void append_right(std::string& out, std::string_view text, std::size_t width) {
  out.append(blanks_for(text, width), ' ');
  out += text;
}

void append_section(std::string& out, std::string_view title, int dashes) {
  out += "── ";
  out += title;
  out += ' ';
  for (int i = 0; i < dashes; ++i) out += "─";
  out += '\n';
}

}  // namespace agdb

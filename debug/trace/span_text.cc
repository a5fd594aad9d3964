#include "debug/trace/span_text.h"

#include <fmt/format.h>

#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

std::size_t blanks_for(std::string_view text, std::size_t width) {
  const std::size_t characters = count_characters(text);
  return characters < width ? width - characters : 0;
}

}  // namespace

std::string span_label(const Span& span) {
  std::string label;
  label.reserve(span.name.size() + 16);
  append_printable(label, span.name, EscapeStyle::kPlain);
  fmt::format_to(std::back_inserter(label), " (PID {})", raw(span.pid));
  return label;
}

std::string kind_label(SpanKind kind, std::string_view name) {
  std::string label(span_kind_name(kind));
  if (name.empty() || name == label) return label;
  label += ' ';
  append_printable(label, name, EscapeStyle::kPlain);
  return label;
}

std::string token_text(std::int64_t tokens) {
  return fmt::format("{} tok", tokens);
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

#include "debug/store/search_text.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "runtime/events/text.h"

namespace agdb {
namespace {

void append_line(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out += text;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  out += '\n';
}

// Of a character of two bytes: the letters that have a lower form at a fixed distance.
char32_t lower_of(char32_t c) {
  if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 0x20;
  if (c >= 0x100 && c <= 0x137 && c != 0x130) return c | 1;
  if (c >= 0x14a && c <= 0x177) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) return c + c % 2;
  if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) return c + 0x20;
  if (c >= 0x400 && c <= 0x40f) return c + 0x50;
  if (c >= 0x410 && c <= 0x42f) return c + 0x20;
  return c;
}

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + '"';
}

// Each costs a walk through its list, 0.1 us for each text in there.
constexpr std::size_t kTrigramsAsked = 2;

// A guess at how few texts have a trigram: letters by how rare they are in English, then marks,
// then digits, which mostly belong to a number that hardly any other text has.
int rarity_of(std::string_view trigram) {
  constexpr std::string_view kByFrequency = " etaoinshrdlcumwfgypbvkjxqz";
  int rarity = 0;
  for (const char c : to_lower_ascii(trigram)) {
    const std::size_t place = kByFrequency.find(c);
    const bool digit = c >= '0' && c <= '9';
    rarity += place != std::string_view::npos ? static_cast<int>(place) : digit ? 40 : 28;
  }
  return rarity;
}

}  // namespace

std::string searchable_text(const RunTrace& trace) {
  std::string text;
  for (const std::string* field :
       {&trace.flow_name, &trace.source_file, &trace.backend, &trace.client_key})
    append_line(text, *field);
  for (const RunEvent& event : trace.events) {
    if (!event.step_name.empty()) append_line(text, event.step_name);
    if (!event.detail.empty()) append_line(text, event.detail);
  }
  for (const RunAnnotation& annotation : trace.annotations) {
    append_line(text, annotation.text);
    for (const std::string& tag : annotation.tags) append_line(text, tag);
  }
  return text;
}

std::string blank_controls(std::string_view text) {
  std::string line;
  append_line(line, text);
  line.pop_back();
  return line;
}

std::string fold_case(std::string_view text) {
  std::string folded(text);
  for (std::size_t i = 0; i < folded.size(); ++i) {
    const auto byte = static_cast<unsigned char>(folded[i]);
    if (byte >= 'A' && byte <= 'Z') {
      folded[i] = static_cast<char>(byte + 0x20);
    } else if (byte >= 0xc2 && byte <= 0xdf && i + 1 < folded.size()) {
      const auto next = static_cast<unsigned char>(folded[i + 1]);
      const char32_t lower = lower_of(static_cast<char32_t>((byte & 0x1fu) << 6u) | (next & 0x3fu));
      folded[i] = static_cast<char>(0xc0u | (lower >> 6u));
      folded[++i] = static_cast<char>(0x80u | (lower & 0x3fu));
    }
  }
  return folded;
}

TextQuery text_query_of(std::string_view text) {
  const bool ascii =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  // Of other scripts only the index knows all lower cases, so it has to be asked for the whole.
  TextQuery query{.whole = quoted(text)};
  if (!ascii || text.size() <= kTrigramsAsked + 2) return query;
  std::vector<std::string_view> trigrams;
  // Of equal ones the last first: a number's last digits vary more than its first.
  for (std::size_t i = text.size() - 2; i-- > 0;) trigrams.push_back(text.substr(i, 3));
  std::ranges::stable_sort(trigrams, std::ranges::greater(), rarity_of);
  query.quick = quoted(trigrams[0]);
  for (std::size_t i = 1; i < kTrigramsAsked; ++i) query.quick += " AND " + quoted(trigrams[i]);
  return query;
}

}  // namespace agdb

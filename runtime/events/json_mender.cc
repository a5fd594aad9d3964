#include "runtime/events/json_mender.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr char kMark = '\x7f';
constexpr std::string_view kMarkItself = "\1770";

// Bytes of a string that are looked at.
constexpr std::array<bool, 256> kIsSpecial = [] {
  std::array<bool, 256> special{};
  for (std::size_t byte = 0; byte < special.size(); ++byte)
    special[byte] = byte == '"' || byte == '\\' || byte >= static_cast<unsigned char>(kMark);
  return special;
}();

}  // namespace

std::size_t JsonMender::run(std::size_t limit) {
  std::size_t last = at_;
  while (at_ < text_.size() && mended_.size() <= limit) {
    const std::size_t run = plain_run();
    // Within a run, what was mended last is not where the run begins.
    last = at_ + (run > 0 ? std::min(run - 1, limit - mended_.size()) : 0);
    if (run > 0) {
      keep(run);
    } else {
      mend_one();
    }
  }
  return last;
}

// How many bytes from here can stay, and leave us within or outside of a string as we are.
std::size_t JsonMender::plain_run() const {
  if (!in_string_) return std::min(text_.find('"', at_), text_.size()) - at_;
  std::size_t end = at_;
  while (end < text_.size() && !kIsSpecial[static_cast<unsigned char>(text_[end])]) ++end;
  return end - at_;
}

void JsonMender::mend_one() {
  const auto byte = static_cast<unsigned char>(text_[at_]);
  if (byte == '"') {
    in_string_ = !in_string_;
    return keep(1);
  }
  if (byte == '\\') return mend_escape();
  if (byte == kMark) return replace(1, kMarkItself);
  const std::size_t length = character_length(text_, at_);
  if (length > 1) return keep(length);
  ++notes_.invalid_utf8;
  const char marked[] = {kMark, static_cast<char>(0xc0 | byte >> 6),
                         static_cast<char>(0x80 | (byte & 0x3f))};
  replace(1, {marked, sizeof marked});
}

void JsonMender::mend_escape() {
  const int unit = unit_at(at_);
  if (unit < 0) return keep(std::min<std::size_t>(2, text_.size() - at_));
  if (unit == kMark) return replace(6, kMarkItself);
  if (unit < 0xd800 || unit > 0xdfff) return keep(6);
  const int next = unit < 0xdc00 ? unit_at(at_ + 6) : -1;
  if (next >= 0xdc00 && next <= 0xdfff) return keep(12);
  ++notes_.lone_surrogates;
  replace(6, "\\ufffd");
}

// The number of the escape \uXXXX that stands at `at`; -1 when none does.
int JsonMender::unit_at(std::size_t at) const {
  const std::string_view escape = text_.substr(std::min(at, text_.size()), 6);
  if (escape.size() < 6 || !escape.starts_with("\\u") || escape[2] == '-') return -1;
  int unit = 0;
  const auto [end, error] = std::from_chars(escape.data() + 2, escape.data() + 6, unit, 16);
  return error == std::errc{} && end == escape.data() + 6 ? unit : -1;
}

void JsonMender::keep(std::size_t count) {
  mended_.append(text_, at_, count);
  at_ += count;
}

void JsonMender::replace(std::size_t count, std::string_view by) {
  mended_ += by;
  at_ += count;
}

void JsonMender::restore(std::string& text) {
  std::size_t from = text.find(kMark);
  std::size_t to = from;
  while (from < text.size()) {
    if (text[from] != kMark) {
      text[to++] = text[from++];
    } else if (text[from + 1] == '0') {
      text[to++] = kMark;
      from += 2;
    } else {
      text[to++] = static_cast<char>((text[from + 1] & 0x03) << 6 | (text[from + 2] & 0x3f));
      from += 3;
    }
  }
  if (to < text.size()) text.resize(to);
}

}  // namespace agdb

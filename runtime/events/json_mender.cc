#include "runtime/events/json_mender.h"

#include <algorithm>
#include <charconv>

#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr char kMark = '\x7f';
constexpr std::string_view kMarkItself = "\1770";

}  // namespace

std::size_t JsonMender::run(std::size_t limit) {
  std::size_t last = at_;
  while (at_ < text_.size() && mended_.size() <= limit) {
    last = at_;
    if (in_string_) {
      mend_in_string();
    } else {
      in_string_ = text_[at_] == '"';
      keep(1);
    }
  }
  return last;
}

void JsonMender::mend_in_string() {
  const auto byte = static_cast<unsigned char>(text_[at_]);
  if (byte == '"') in_string_ = false;
  if (byte == '\\') return mend_escape();
  if (byte == kMark) return replace(1, kMarkItself);
  if (byte < 0x80) return keep(1);
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

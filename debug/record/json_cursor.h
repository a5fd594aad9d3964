#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "debug/record/literal.h"

namespace agdb {

// Goes over the JSON text of a line and keeps nothing: for the few members that somebody wants of
// a line of any form.
//
//   JsonCursor at(line, readable);
//   const bool good = at.each([&](std::string_view key) {
//     return key == "pid" ? at.count(pid) : at.skip();
//   }) && at.at_end();
//
// Every call returns false where the text is not plain: broken, or of a kind that a full parser
// must judge (keys with escapes, integers beyond 64 bits, deep nesting). In what is skipped,
// strings and brackets are looked at, not the rest: true does not say that all of it is JSON.
// Whether it is UTF-8 is not looked at either.
class JsonCursor {
 public:
  // `readable`: bytes from the first on that may be read; what stands behind the text means
  // nothing, but a text with some bytes behind it is gone over faster.
  JsonCursor(std::string_view text, std::size_t readable)
      : at_(text.data()), end_(at_ + text.size()), readable_end_(at_ + readable) {}

  // The members of the object that begins here: `take(key)` steps over the value, and says whether
  // to go on.
  template <typename Take>
  bool each(Take take) {
    if (!eat('{')) return false;
    if (eat('}')) return true;
    return member(take) && each_further(take);
  }
  // Those behind a value that was stepped over, to the end of the object that it is in.
  template <typename Take>
  bool each_further(Take take) {
    while (eat(',')) {
      if (!member(take)) return false;
    }
    return eat('}');
  }
  // The items of the array that begins here: `take()` steps over one, and says whether to go on.
  template <typename Take>
  bool each_item(Take take) {
    if (!eat('[')) return false;
    if (eat(']')) return true;
    do {
      if (!take()) return false;
    } while (eat(','));
    return eat(']');
  }
  // This very text, blanks and all: for a quick way over what is known to stand there mostly.
  // False: something else does, and is not stepped over.
  template <std::size_t N>
  bool skip_text(const char (&text)[N]) {
    return agdb::skip_literal(at_, end_, text);
  }
  // The first byte of the value that begins here, which tells its kind; 0 at the end.
  char peek() {
    skip_space();
    return at_ == end_ ? '\0' : *at_;
  }
  // Steps over null. False: something else stands here, and is not stepped over.
  bool null() { return peek() == 'n' && skip_literal("null"); }
  // An object that is skipped, for going over it later. `object` is its text.
  bool object(std::string_view& object);
  // Any value that is skipped. `value` is its text.
  bool value(std::string_view& value);
  // A string without escapes, as it stands there.
  bool text(std::string_view& text);
  // Any string, as it is meant.
  bool text(std::string& text);
  // The same without a copy. One with escapes is put at the end of `room`, of which `text` is a
  // view then. REQUIRES: `room` need not grow for it: its capacity is that of the line, and it is
  // for one.
  bool text(std::string_view& text, std::string& room);
  bool integer(std::int64_t& value);
  bool count(std::uint64_t& value);
  bool number(double& value);
  bool boolean(bool& value);
  // Any value.
  bool skip();
  // Whether only white space is left.
  bool at_end() {
    skip_space();
    return at_ == end_;
  }
  // `readable` of a cursor over a part of the text.
  std::size_t readable_from(std::string_view part) const {
    return static_cast<std::size_t>(readable_end_ - part.data());
  }

 private:
  static constexpr int kMaxDepth = 256;

  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) ++at_;
  }
  bool eat(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  template <typename Take>
  bool member(Take& take) {
    std::string_view key;
    return text(key) && eat(':') && take(key);
  }
  bool content(std::string_view& content, bool& escapes);
  bool skip_string(bool& escapes);
  bool skip_nested();
  bool skip_number();
  bool skip_literal(std::string_view literal);
  std::size_t skip_digits();
  bool digits(std::uint64_t& value);

  const char* at_;
  const char* end_;
  const char* readable_end_;
};

}  // namespace agdb

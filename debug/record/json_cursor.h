#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

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
// must judge (keys with escapes, numbers of more than 18 digits, deep nesting). In what is skipped,
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
    do {
      std::string_view key;
      if (!text(key) || !eat(':') || !take(key)) return false;
    } while (eat(','));
    return eat('}');
  }
  // An object that is skipped, for going over it later. `object` is its text.
  bool object(std::string_view& object);
  // A string without escapes, as it stands there.
  bool text(std::string_view& text);
  bool integer(std::int64_t& value);
  bool count(std::uint64_t& value);
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

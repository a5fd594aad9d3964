#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/events/json_text.h"
#include "runtime/events/raw_event.h"
#include "runtime/events/text.h"

namespace agdb {

// What an encoded value, or the members of an object, take as JSON text at most.
std::size_t longest_json_text(const RawValue& value);
std::size_t longest_json_text(const RawFields& members);

// Writes JSON text from encoded values straight to memory that is large enough, the same bytes as
// dump() of the value: members sorted by key, nothing allocated.
//
// Gives up where it would have to do what needs memory: a text that is not UTF-8, an object with
// many or equal keys, deep nesting. What was written is then of no use, and the caller goes the way
// over a document. One thread.
class RawJsonText {
 public:
  explicit RawJsonText(char* to) : to_(to) {}
  char* end() const { return to_; }
  bool gave_up() const { return gave_up_; }

  void ready(std::string_view text) { to_ = json_text::put(to_, text); }
  template <typename Number>
  void number(Number value) {
    to_ = json_text::put(to_, value);
  }
  void text(std::string_view text) {
    const json_text::Quoted quoted = json_text::put_quoted(to_, text);
    if (!quoted.ascii && !is_utf8(text)) gave_up_ = true;
    to_ = quoted.end;
  }
  void value(const RawValue& value) { this->value(value, 0); }
  void object(const RawFields& members) { object(members, 0); }

 private:
  static constexpr std::size_t kMembers = 32;
  static constexpr int kDepth = 16;

  void value(const RawValue& value, int depth);
  void object(const RawFields& members, int depth);
  void array(const RawFields& items, int depth);
  void member(const RawValue& member, int depth) {
    text(member.key());
    *to_++ = ':';
    value(member, depth);
  }
  void sorted(const RawFields& unsorted, int depth);

  char* to_;
  bool gave_up_ = false;
};

}  // namespace agdb

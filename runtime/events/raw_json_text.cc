#include "runtime/events/raw_json_text.h"

#include <algorithm>

namespace agdb {

std::size_t longest_json_text(const RawFields& members) {
  std::size_t bytes = 2;
  for (const RawValue value : members)
    bytes += json_text::longest_text(value.key().size()) + 2 + longest_json_text(value);
  return bytes;
}

std::size_t longest_json_text(const RawValue& value) {
  switch (value.tag()) {
    case RawTag::kText:
      return json_text::longest_text(value.text().size());
    case RawTag::kObject:
    case RawTag::kArray:
      return longest_json_text(value.values());
    default:
      return json_text::kLongestNumber;
  }
}

void RawJsonText::value(const RawValue& value, int depth) {
  switch (value.tag()) {
    case RawTag::kNull:
      return ready("null");
    case RawTag::kFalse:
      return ready("false");
    case RawTag::kTrue:
      return ready("true");
    case RawTag::kInt:
      return number(value.integer());
    case RawTag::kUint:
      return number(value.unsigned_integer());
    case RawTag::kDouble:
      return number(value.number());
    case RawTag::kText:
      return text(value.text());
    case RawTag::kArray:
      return array(value.values(), depth + 1);
    case RawTag::kObject:
      return object(value.values(), depth + 1);
  }
}

void RawJsonText::array(const RawFields& items, int depth) {
  if (depth > kDepth) {
    gave_up_ = true;
    return;
  }
  *to_++ = '[';
  bool first = true;
  for (const RawValue item : items) {
    if (!first) *to_++ = ',';
    first = false;
    value(item, depth);
  }
  *to_++ = ']';
}

// Most calls are written with their keys in order.
void RawJsonText::object(const RawFields& members, int depth) {
  if (depth > kDepth || members.size() > kMembers) {
    gave_up_ = true;
    return;
  }
  *to_++ = '{';
  char* const begin = to_;
  std::array<RawValue, kMembers> seen;
  std::size_t count = 0;
  bool in_order = true;
  for (const RawValue each : members) {
    if (count > 0) {
      in_order = in_order && seen[count - 1].key() < each.key();
      *to_++ = ',';
    }
    seen[count++] = each;
    if (in_order) member(each, depth);
  }
  if (!in_order) {
    to_ = begin;
    sorted(seen, count, depth);
  }
  *to_++ = '}';
}

void RawJsonText::sorted(std::array<RawValue, kMembers>& members, std::size_t count, int depth) {
  const auto end = members.begin() + static_cast<std::ptrdiff_t>(count);
  std::sort(members.begin(), end,
            [](const RawValue& a, const RawValue& b) { return a.key() < b.key(); });
  for (auto each = members.begin(); each != end; ++each) {
    if (each != members.begin()) {
      if ((each - 1)->key() == each->key()) gave_up_ = true;
      *to_++ = ',';
    }
    member(*each, depth);
  }
}

}  // namespace agdb

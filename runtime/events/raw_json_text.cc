#include "runtime/events/raw_json_text.h"

#include <algorithm>
#include <array>

namespace agdb {
namespace {

bool is_before(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty() || a.front() == b.front()) return a < b;
  return static_cast<unsigned char>(a.front()) < static_cast<unsigned char>(b.front());
}

// Whether each key is greater than the one before.
bool in_order(const RawFields& members) {
  std::string_view before;
  bool first = true;
  for (const RawValue each : members) {
    const std::string_view key = each.key();
    if (!first && !is_before(before, key)) return false;
    before = key;
    first = false;
  }
  return true;
}

}  // namespace

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
  if (in_order(members)) {
    char separator = 0;
    for (const RawValue each : members) {
      if (separator != 0) *to_++ = separator;
      separator = ',';
      member(each, depth);
    }
  } else {
    sorted(members, depth);
  }
  *to_++ = '}';
}

void RawJsonText::sorted(const RawFields& unsorted, int depth) {
  std::array<RawValue, kMembers> members;
  auto end = members.begin();
  for (const RawValue each : unsorted) *end++ = each;
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

#include "debug/record/call_line.h"

#include <algorithm>
#include <array>
#include <optional>

#include "runtime/events/json_text.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Objects with more members, and nesting that is deeper, go the way that needs memory.
constexpr std::size_t kMembers = 32;
constexpr int kDepth = 16;

// The keys of a line and the punctuation around them.
constexpr std::size_t kFixedText = 160;

std::size_t longest(const RawValue& value);

std::size_t longest(const RawFields& values) {
  std::size_t bytes = 2;
  for (const RawValue value : values)
    bytes += json_text::longest_text(value.key().size()) + 2 + longest(value);
  return bytes;
}

// What the value takes as text at most.
std::size_t longest(const RawValue& value) {
  switch (value.tag()) {
    case RawTag::kText:
      return json_text::longest_text(value.text().size());
    case RawTag::kObject:
    case RawTag::kArray:
      return longest(value.values());
    default:
      return json_text::kLongestNumber;
  }
}

std::size_t longest_line(const RawSyscall& call) {
  return kFixedText + 5 * json_text::kLongestNumber + json_text::longest_text(call.name.size()) +
         longest(call.args) + longest(call.result) + json_text::longest_text(call.err.size());
}

// Writes one line to memory that is large enough. Gives up where it would have to do what needs
// memory: a text that is not UTF-8, an object with many or equal keys.
class LineText {
 public:
  explicit LineText(char* to) : to_(to) {}
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
  void value(const RawValue& value, int depth);
  void object(const RawFields& members, int depth);

 private:
  void array(const RawFields& items, int depth);
  void member(const RawValue& member, int depth) {
    text(member.key());
    *to_++ = ':';
    value(member, depth);
  }
  void sorted(std::array<RawValue, kMembers>& members, std::size_t count, int depth);

  char* to_;
  bool gave_up_ = false;
};

void LineText::value(const RawValue& value, int depth) {
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

void LineText::array(const RawFields& items, int depth) {
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
void LineText::object(const RawFields& members, int depth) {
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

void LineText::sorted(std::array<RawValue, kMembers>& members, std::size_t count, int depth) {
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

// A member that is optional in the format.
void write_line(LineText& line, const LineHead& head, const RawSyscall& call) {
  line.ready("{\"seq_num\":");
  line.number(raw(head.seq_num));
  line.ready(",\"timestamp\":");
  line.number(std::int64_t{head.timestamp.count()});
  line.ready(",\"pid\":");
  line.number(raw(head.pid));
  line.ready(",\"type\":\"syscall\"");
  if (head.n != 0) {
    line.ready(",\"n\":");
    line.number(head.n);
  }
  line.ready(",\"syscall\":{\"syscall\":");
  line.text(call.name);
  if (!call.args.empty()) {
    line.ready(",\"args\":");
    line.object(call.args, 0);
  }
  if (call.result.tag() != RawTag::kNull) {
    line.ready(",\"result\":");
    line.value(call.result, 0);
  }
  if (!call.err.empty()) {
    line.ready(",\"err\":");
    line.text(call.err);
  }
  line.ready(",\"duration\":");
  line.number(std::int64_t{call.duration.count()});
  line.ready("}}\n");
}

}  // namespace

void append_line(std::string& out, const LineHead& head, const RawSyscall& call) {
  const std::size_t before = out.size();
  bool gave_up = false;
  out.resize_and_overwrite(before + longest_line(call), [&](char* text, std::size_t) {
    LineText line(text + before);
    write_line(line, head, call);
    gave_up = line.gave_up();
    return gave_up ? before : static_cast<std::size_t>(line.end() - text);
  });
  if (gave_up) append_line(out, head, to_syscall(call));
}

}  // namespace agdb

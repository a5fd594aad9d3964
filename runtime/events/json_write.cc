#include <fmt/format.h>

#include <algorithm>

#include "runtime/events/base64_sibling.h"
#include "runtime/events/json.h"
#include "runtime/events/json_order.h"
#include "runtime/events/json_text.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Appends what `put` writes to memory of that size, and returns what it returns beside the end.
template <typename Put>
void append(std::string& out, std::size_t longest, const Put& put) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + longest, [&](char* text, std::size_t) {
    return static_cast<std::size_t>(put(text + before) - text);
  });
}

// Returns whether the text was all ASCII. REQUIRES: it is UTF-8, or the caller looks afterwards.
bool append_quoted(std::string& out, std::string_view text) {
  bool ascii = false;
  append(out, json_text::longest_text(text.size()), [&](char* to) {
    const json_text::Quoted quoted = json_text::put_quoted(to, text);
    ascii = quoted.ascii;
    return quoted.end;
  });
  return ascii;
}

template <typename Number>
void append_number(std::string& out, Number value) {
  append(out, json_text::kLongestNumber, [&](char* to) { return json_text::put(to, value); });
}

class Writer {
 public:
  Writer(std::string& out, const DumpStyle& style) : out_(out), style_(style) {}

  void value(const Json& json) {
    switch (json.type()) {
      case Json::Type::kNull:
        out_ += "null";
        break;
      case Json::Type::kBool:
        out_ += *json.to_bool() ? "true" : "false";
        break;
      case Json::Type::kInt:
        append_number(out_, *json.to_int());
        break;
      case Json::Type::kUint:
        append_number(out_, *json.to_uint());
        break;
      case Json::Type::kDouble:
        append_number(out_, *json.to_double());
        break;
      case Json::Type::kString:
        dump_string_to(out_, json.string());
        break;
      case Json::Type::kArray:
        array(json.items());
        break;
      case Json::Type::kObject:
        object(json.members());
        break;
    }
  }

 private:
  void array(const Json::Array& items) {
    open('[');
    for (const Json& item : items) {
      next();
      value(item);
    }
    close(']', items.empty());
  }

  void object(const Json::Object& members) {
    open('{');
    const auto in_order = [](const Json::Member& a, const Json::Member& b) {
      return a.key < b.key;
    };
    const auto out_of_order = [&](const auto& a, const auto& b) { return !in_order(a, b); };
    if (!style_.sorted ||
        std::adjacent_find(members.begin(), members.end(), out_of_order) == members.end()) {
      for (const Json::Member& each : members) member(each);
    } else {
      sorted_object(members);
    }
    close('}', members.empty());
  }

  void sorted_object(const Json::Object& members) {
    const std::vector<const Json::Member*> sorted = members_by_key(members);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const bool is_last_of_name = i + 1 == sorted.size() || sorted[i + 1]->key != sorted[i]->key;
      if (is_last_of_name) member(*sorted[i]);
    }
  }

  void member(const Json::Member& member) {
    next();
    key(member.key);
    value(member.value);
    if (!style_.keep_bytes || !member.value.is_string() || is_utf8(member.value.string())) return;
    next();
    key(fmt::format("{}{}", member.key, kBase64Suffix));
    append_quoted(out_, to_base64(member.value.string()));
  }

  void key(std::string_view name) {
    dump_string_to(out_, name);
    out_ += style_.indent > 0 ? ": " : ":";
  }

  void open(char bracket) {
    out_ += bracket;
    first_ = true;
    ++level_;
  }

  void next() {
    if (!first_) out_ += ',';
    first_ = false;
    line();
  }

  void close(char bracket, bool is_empty) {
    --level_;
    first_ = false;
    if (!is_empty) line();
    out_ += bracket;
  }

  void line() {
    if (style_.indent <= 0) return;
    out_ += '\n';
    out_.append(level_ * static_cast<std::size_t>(style_.indent), ' ');
  }

  std::string& out_;
  const DumpStyle& style_;
  std::size_t level_ = 0;
  bool first_ = true;
};

}  // namespace

std::string dump(const Json& value, const DumpStyle& style) {
  std::string out;
  dump_to(out, value, style);
  return out;
}

void dump_to(std::string& out, const Json& value, const DumpStyle& style) {
  Writer(out, style).value(value);
}

bool dump_string_to(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  if (append_quoted(out, text) || is_utf8(text)) return true;
  out.resize(before);
  append_quoted(out, to_utf8(text));
  return false;
}

void dump_text_member_to(std::string& out, std::string_view key, std::string_view text) {
  append_quoted(out, key);
  out += ':';
  if (dump_string_to(out, text)) return;
  out += ',';
  append_quoted(out, fmt::format("{}{}", key, kBase64Suffix));
  out += ':';
  append_quoted(out, to_base64(text));
}

}  // namespace agdb

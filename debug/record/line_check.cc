#include "debug/record/line_check.h"

#include <simdjson.h>

#include <algorithm>
#include <span>

#include "debug/record/event_line.h"

namespace agdb {
namespace {

// Deeper lines are errors of parse_line; it shall find them.
constexpr std::size_t kMaxDepth = 512;

using simdjson::dom::element;

enum class Shape { kText, kInteger, kCount, kNumber, kObject, kAny };

struct KnownMember {
  std::string_view key;
  Shape shape = Shape::kAny;
};

constexpr KnownMember kSyscall[] = {{"syscall", Shape::kText},     {"args", Shape::kObject},
                                    {"result", Shape::kAny},       {"err", Shape::kText},
                                    {"duration", Shape::kInteger}, {"span_id", Shape::kText}};
constexpr KnownMember kResponse[] = {{"model", Shape::kText},
                                     {"request_tokens", Shape::kInteger},
                                     {"response_tokens", Shape::kInteger},
                                     {"content", Shape::kText},
                                     {"stop_reason", Shape::kText},
                                     {"cache_read_tokens", Shape::kInteger},
                                     {"cache_creation_tokens", Shape::kInteger},
                                     {"time_to_first_token", Shape::kInteger},
                                     {"time_to_last_token", Shape::kInteger},
                                     {"request_setup", Shape::kInteger},
                                     {"cost_usd", Shape::kNumber},
                                     {"error", Shape::kText}};
constexpr KnownMember kState[] = {
    {"from_state", Shape::kText}, {"to_state", Shape::kText}, {"reason", Shape::kText}};
constexpr KnownMember kMessage[] = {{"role", Shape::kText},
                                    {"content", Shape::kText},
                                    {"name", Shape::kText},
                                    {"tool_call_id", Shape::kText},
                                    {"turn", Shape::kCount}};

bool has_shape(element value, Shape shape) {
  switch (shape) {
    case Shape::kText:
      return value.is_string();
    case Shape::kInteger:
      return value.is_int64();
    case Shape::kCount:
      return value.is_int64() && value.get_int64().value_unsafe() >= 0;
    case Shape::kNumber:
      return value.is_number();
    case Shape::kObject:
      return value.is_object();
    case Shape::kAny:
      break;
  }
  return true;
}

// Whether an object has only these members, each at most once and of its shape.
bool fits(element value, std::span<const KnownMember> known) {
  simdjson::dom::object object;
  if (value.get_object().get(object)) return false;
  unsigned seen = 0;
  for (const auto [key, member] : object) {
    const auto at = std::find_if(known.begin(), known.end(),
                                 [&](const KnownMember& each) { return each.key == key; });
    if (at == known.end() || !has_shape(member, at->shape)) return false;
    const unsigned bit = 1U << static_cast<unsigned>(at - known.begin());
    if ((seen & bit) != 0) return false;
    seen |= bit;
  }
  return true;
}

}  // namespace

struct LineCheck::Rep {
  simdjson::dom::parser parser;
  simdjson::ondemand::parser again;
  std::string padded;

  bool read(std::string_view line, std::size_t readable, CheckedLine& out) {
    if (readable < line.size() + simdjson::SIMDJSON_PADDING) {
      padded.reserve(line.size() + simdjson::SIMDJSON_PADDING);
      padded.assign(line);
      line = padded;
    }
    if (parser.capacity() < line.size() &&
        parser.allocate(std::max<std::size_t>(line.size() * 2, 4096), kMaxDepth))
      return false;
    element root;
    if (parser.parse(line.data(), line.size(), false).get(root)) return false;
    simdjson::dom::object object;
    if (root.get_object().get(object)) return false;
    // Our order of keys; whatever stands there else is for parse_line.
    auto member = object.begin();
    const auto next = [&](std::string_view key, element& value) {
      if (member == object.end() || member.key() != key) return false;
      value = member.value();
      ++member;
      return true;
    };
    element value;
    std::uint64_t number = 0;
    if (!next("seq_num", value) || value.get_uint64().get(number)) return false;
    out.seq_num = static_cast<SeqNum>(number);
    if (!next("timestamp", value) || !value.is_int64()) return false;
    if (!next("pid", value) || value.get_uint64().get(number)) return false;
    out.pid = static_cast<Pid>(number);
    std::string_view type;
    if (!next("type", value) || value.get_string().get(type)) return false;
    out.type = event_type_of(type);
    if (next("n", value) && value.get_uint64().get(out.n)) return false;
    element payload;
    return next(payload_key(out.type), payload) && !(member != object.end()) &&
           check_payload(line, payload, out);
  }

 private:
  bool check_payload(std::string_view line, element payload, CheckedLine& out) {
    switch (out.type) {
      case EventType::kSyscall:
        return fits(payload, kSyscall);
      case EventType::kLlmResponse:
        return fits(payload, kResponse);
      case EventType::kStateChange:
        return fits(payload, kState);
      case EventType::kContextSnapshot:
        out.snapshot = std::make_unique<SnapshotHashes>();
        return check_snapshot(line, payload, *out.snapshot);
      default:
        return false;
    }
  }

  bool check_snapshot(std::string_view line, element payload, SnapshotHashes& out) {
    simdjson::dom::object object;
    if (payload.get_object().get(object)) return false;
    unsigned seen = 0;
    for (const auto [key, value] : object) {
      const int at = take(key, value, out);
      if (at < 0 || (seen & (1U << at)) != 0) return false;
      seen |= 1U << at;
    }
    const bool delta = out.kind == ContextSnapshot::Kind::kDelta;
    // kind, ctx_id, messages, tokens, hash; and what the kind wants or forbids.
    constexpr unsigned kAlways = 0b1110011;
    if ((seen & kAlways) != kAlways) return false;
    if (delta ? (seen & 0b1100) != 0b1100 : (seen & 0b1100) != 0) return false;
    if (!delta && !out.prompt) out.prompt = xxh3_128({});
    return hash_messages(line, out);
  }

  // The member's number, after its value was taken; negative when it is not plain.
  static int take(std::string_view key, element value, SnapshotHashes& out) {
    std::string_view text;
    std::uint64_t number = 0;
    if (key == "kind") {
      if (value.get_string().get(text) || (text != "full" && text != "delta")) return -1;
      out.kind = text == "full" ? ContextSnapshot::Kind::kFull : ContextSnapshot::Kind::kDelta;
      return 0;
    }
    if (key == "ctx_id") {
      if (value.get_uint64().get(number)) return -1;
      out.ctx_id = static_cast<CtxId>(number);
      return 1;
    }
    if (key == "base") {
      if (value.get_uint64().get(number)) return -1;
      out.base = static_cast<SeqNum>(number);
      return 2;
    }
    if (key == "keep") return value.get_uint64().get(out.keep) ? -1 : 3;
    if (key == "messages") return are_messages(value) ? 4 : -1;
    if (key == "tokens") return value.is_int64() ? 5 : -1;
    if (key == "hash") {
      if (value.get_string().get(text)) return -1;
      out.hash = text;
      return 6;
    }
    if (key != "system_prompt" || value.get_string().get(text)) return -1;
    out.prompt = xxh3_128(text);
    return 7;
  }

  static bool are_messages(element value) {
    simdjson::dom::array messages;
    if (value.get_array().get(messages)) return false;
    return std::all_of(messages.begin(), messages.end(), [](element message) {
      simdjson::dom::object object;
      if (message.get_object().get(object)) return false;
      // Calls of tools are looked at by parse_line; nearly all messages have none.
      return object["tool_calls"].error() == simdjson::NO_SUCH_FIELD && fits(message, kMessage);
    });
  }

  // As they stand in the line, which is as their hashes want them if we wrote it.
  bool hash_messages(std::string_view line, SnapshotHashes& out) {
    simdjson::ondemand::document document;
    const std::size_t readable = line.size() + simdjson::SIMDJSON_PADDING;
    if (again.iterate(line.data(), line.size(), readable).get(document)) return false;
    simdjson::ondemand::array messages;
    if (document["context"]["messages"].get_array().get(messages)) return false;
    for (auto each : messages) {
      simdjson::ondemand::object message;
      std::string_view text;
      if (each.get_object().get(message) || message.raw_json().get(text)) return false;
      out.messages.push_back(xxh3_128(text));
    }
    return true;
  }
};

LineCheck::LineCheck() : rep_(std::make_unique<Rep>()) {}
LineCheck::~LineCheck() = default;

std::optional<CheckedLine> LineCheck::read(std::string_view line, std::size_t readable) {
  CheckedLine out;
  return rep_->read(line, readable, out) ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace agdb

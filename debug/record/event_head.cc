#include "debug/record/event_head.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "runtime/events/text.h"

namespace agdb {
namespace {

std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// As memcmp, for a size that is known: whole words, of which the last two may overlap.
template <std::size_t N>
bool is_same(const char* a, const char* b) {
  if constexpr (N < 8) {
    return std::memcmp(a, b, N) == 0;
  } else {
    std::uint64_t difference = word_at(a + N - 8) ^ word_at(b + N - 8);
    for (std::size_t at = 0; at + 8 < N; at += 8) difference |= word_at(a + at) ^ word_at(b + at);
    return difference == 0;
  }
}

constexpr std::uint64_t repeated(unsigned char byte) {
  return std::uint64_t{0x0101010101010101} * byte;
}

// How many of these eight bytes, from the first, are digits.
std::size_t leading_digits(std::uint64_t word) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t values = word ^ repeated('0');
  // Digits become 0 to 9, and 9 is the most to which 0x76 can be added without reaching 0x80.
  const std::uint64_t others = ((values + repeated(0x76)) | values) & repeated(0x80);
  return static_cast<std::size_t>(std::countr_zero(others)) / 8;
}

// The number that the first `count` bytes are, which are digits: pairs, then fours, then all eight.
std::uint64_t value_of_digits(std::uint64_t word, std::size_t count) {
  if (count == 0) return 0;
  word = (word - repeated('0')) << (8 * (8 - count));
  word = word * 10 + (word >> 8);
  word = ((word & 0x000000ff000000ff) * 0x000f424000000064 +
          ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
         32;
  return word;
}

// Steps over what must stand there, within bounds. False: something else does.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  template <std::size_t N>
  bool skip(const char (&literal)[N]) {
    if (static_cast<std::size_t>(end_ - at_) < N - 1 || !is_same<N - 1>(at_, literal)) return false;
    at_ += N - 1;
    return true;
  }

  // Digits as JSON wants them: no leading zero. Of more than 18 the slow way takes care.
  bool number(std::uint64_t& out) {
    const char* const begin = at_;
    std::uint64_t value = 0;
    constexpr std::array<std::uint64_t, 9> kPowers = {
        1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};
    std::size_t found = 8;
    while (found == 8 && end_ - at_ >= 8) {
      found = leading_digits(word_at(at_));
      value = value * kPowers[found] + value_of_digits(word_at(at_), found);
      at_ += found;
    }
    while (found == 8 && at_ < end_ && *at_ >= '0' && *at_ <= '9')
      value = value * 10 + static_cast<std::uint64_t>(*at_++ - '0');
    const std::ptrdiff_t digits = at_ - begin;
    out = value;
    return digits == 1 || (digits > 1 && digits <= 18 && *begin != '0');
  }

  bool signed_number(std::int64_t& out) {
    const bool negative = skip("-");
    std::uint64_t value = 0;
    if (!number(value)) return false;
    out = negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
    return true;
  }

  const char* at() const { return at_; }

 private:
  const char* at_;
  const char* end_;
};

bool skip_n(Cursor& line) {
  std::uint64_t n = 0;
  return !line.skip(",\"n\":") || line.number(n);
}

bool read_ctx(Cursor& line, CtxId& out) {
  std::uint64_t id = 0;
  if (!line.number(id) || !(line.skip(",") || line.skip("}"))) return false;
  out = static_cast<CtxId>(id);
  return true;
}

bool is_context_call(std::string_view name) {
  return name == "CtxRead" || name == "CtxWrite";
}

bool read_syscall(Cursor& line, EventHead& head) {
  head.type = EventType::kSyscall;
  if (!skip_n(line) || !line.skip(",\"syscall\":{\"syscall\":\"")) return false;
  if (!line.skip("Ctx")) return true;
  if (!line.skip("Read\"") && !line.skip("Write\"")) {
    // CtxAlloc, CtxReclaim; a name with an escape in it might yet be one of the two.
    return line.skip("Alloc\"") || line.skip("Reclaim\"");
  }
  return line.skip(",\"args\":{\"cid\":") && read_ctx(line, head.ctx_id);
}

bool read_snapshot(Cursor& line, EventHead& head) {
  head.type = EventType::kContextSnapshot;
  if (!skip_n(line) || !line.skip(",\"context\":{\"kind\":\"")) return false;
  if (!line.skip("delta\"") && !line.skip("full\"")) return false;
  return line.skip(",\"ctx_id\":") && read_ctx(line, head.ctx_id);
}

bool read_other(Cursor& line, EventHead& head, EventType type) {
  head.type = type;
  return skip_n(line);
}

bool read_type(Cursor& line, EventHead& head) {
  if (line.skip("syscall\"")) return read_syscall(line, head);
  if (line.skip("context_snapshot\"")) return read_snapshot(line, head);
  if (line.skip("llm_response\"")) {
    return read_other(line, head, EventType::kLlmResponse) && line.skip(",\"llm\":{");
  }
  if (line.skip("state_change\"")) {
    return read_other(line, head, EventType::kStateChange) && line.skip(",\"state\":{");
  }
  if (line.skip("alert\"")) {
    return read_other(line, head, EventType::kAlert) && line.skip(",\"alert\":{");
  }
  return line.skip("gap\"") && read_other(line, head, EventType::kGap) && line.skip(",\"gap\":{");
}

}  // namespace

std::size_t read_own_head(std::string_view text, EventHead& head) {
  Cursor line(text);
  std::uint64_t seq_num = 0;
  std::int64_t timestamp = 0;
  std::uint64_t pid = 0;
  head.ctx_id = {};
  const bool known = line.skip("{\"seq_num\":") && line.number(seq_num) &&
                     line.skip(",\"timestamp\":") && line.signed_number(timestamp) &&
                     line.skip(",\"pid\":") && line.number(pid) && line.skip(",\"type\":\"") &&
                     read_type(line, head);
  if (!known) return 0;
  head.seq_num = static_cast<SeqNum>(seq_num);
  head.timestamp = Nanoseconds(timestamp);
  return static_cast<std::size_t>(line.at() - text.data());
}

// Members are taken at most once each; what is not plain makes reading fail, and parse_line judges.
struct AnyOrderHead::Rep {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::parser args_parser;
  std::string padded;

  using Object = simdjson::ondemand::object;
  using Value = simdjson::ondemand::value;

  bool read(std::string_view line, std::size_t readable, EventHead& head) {
    if (readable < line.size() + simdjson::SIMDJSON_PADDING) {
      padded.reserve(line.size() + simdjson::SIMDJSON_PADDING);
      padded.assign(line);
      line = padded;
      readable = padded.capacity();
    }
    simdjson::ondemand::document document;
    if (parser.iterate(line.data(), line.size(), readable).get(document)) return false;
    Object object;
    if (document.get_object().get(object)) return false;
    Members members;
    const auto take = [&](std::string_view key, Value& value) {
      return take_member(members, key, value, head);
    };
    // Nothing may stand behind the object.
    const bool at_end =
        each(object, take) && document.current_location().error() != simdjson::SUCCESS;
    return at_end && settle(members, head);
  }

 private:
  // Of the payloads one is meant, which one tells the type, which may come behind it.
  struct Payload {
    CtxId ctx_id{};
    bool seen = false;
    bool good = false;
  };
  struct Members {
    unsigned seen = 0;
    EventType type = EventType::kOther;
    Payload call;
    Payload context;
  };

  // Longer keys mean nothing to us.
  static constexpr std::size_t kLongestKey = 16;

  // The key as it stands there, empty when it is long; nothing when an escape may make it short.
  static std::optional<std::string_view> plain_key(const char* raw) {
    for (std::size_t size = 0; size <= kLongestKey; ++size) {
      if (raw[size] == '"') return std::string_view(raw, size);
      if (raw[size] == '\\') return std::nullopt;
    }
    return std::string_view();
  }

  template <typename Take>
  static bool each(Object& object, Take take) {
    for (auto field : object) {
      const char* raw = nullptr;
      Value value;
      if (field.key().raw().get(raw) || field.value().get(value)) return false;
      const std::optional<std::string_view> key = plain_key(raw);
      if (!key || (!key->empty() && !take(*key, value))) return false;
    }
    return true;
  }

  static bool has_capital(std::string_view key) {
    return std::any_of(key.begin(), key.end(),
                       [](char each) { return each >= 'A' && each <= 'Z'; });
  }

  static bool once(unsigned& seen, unsigned bit) {
    const bool first = (seen & bit) == 0;
    seen |= bit;
    return first;
  }

  static bool number(Value& value, std::uint64_t& out) { return !value.get_uint64().get(out); }

  bool take_member(Members& members, std::string_view key, Value& value, EventHead& head) {
    if (key == "seq_num") {
      std::uint64_t seq_num = 0;
      if (!once(members.seen, 1) || !number(value, seq_num)) return false;
      head.seq_num = static_cast<SeqNum>(seq_num);
    } else if (key == "timestamp") {
      std::int64_t timestamp = 0;
      if (!once(members.seen, 2) || value.get_int64().get(timestamp)) return false;
      head.timestamp = Nanoseconds(timestamp);
    } else if (key == "pid" || key == "n") {
      std::uint64_t other = 0;
      return once(members.seen, key == "n" ? 4 : 8) && number(value, other);
    } else if (key == "type") {
      std::string_view type;
      if (!once(members.seen, 16) || value.get_string().get(type)) return false;
      members.type = event_type_of(type);
    } else if (key == "syscall") {
      members.call.good = !members.call.seen && read_call(value, members.call.ctx_id);
      members.call.seen = true;
      return members.call.good;
    } else if (key == "context") {
      members.context.good = !members.context.seen && read_context(value, members.context.ctx_id);
      members.context.seen = true;
      return members.context.good;
    } else {
      return !is_known_in_another_case(key);
    }
    return true;
  }

  static bool is_known_in_another_case(std::string_view key) {
    if (!has_capital(key)) return false;
    const std::string lower = to_lower_ascii(key);
    for (const char* known : {"seq_num", "timestamp", "pid", "n", "type", "syscall", "context"}) {
      if (lower == known) return true;
    }
    return false;
  }

  static bool is_another_case_of(std::string_view key, std::string_view one,
                                 std::string_view other) {
    if (!has_capital(key)) return false;
    const std::string lower = to_lower_ascii(key);
    return lower == one || lower == other;
  }

  // Of the arguments only those of calls that name a context are looked at: in a second pass over
  // them alone, since the name may stand behind them.
  bool read_call(Value& value, CtxId& ctx_id) {
    Object call;
    if (value.get_object().get(call)) return false;
    bool named = false;
    std::string_view args;
    unsigned seen = 0;
    const auto take = [&](std::string_view key, Value& member) {
      if (key == "syscall") {
        std::string_view name;
        if (!once(seen, 1) || member.get_string().get(name)) return false;
        named = is_context_call(name);
        return true;
      }
      if (key == "args") {
        Object object;
        return once(seen, 2) && !member.get_object().get(object) && !object.raw_json().get(args);
      }
      return !is_another_case_of(key, "syscall", "args");
    };
    if (!each(call, take)) return false;
    return !named || args.empty() || read_args(args, ctx_id);
  }

  bool read_args(std::string_view args, CtxId& ctx_id) {
    simdjson::ondemand::document document;
    Object object;
    // The line has its padding, so what stands in it has.
    const std::size_t readable = args.size() + simdjson::SIMDJSON_PADDING;
    if (args_parser.iterate(args.data(), args.size(), readable).get(document) ||
        document.get_object().get(object))
      return false;
    bool has_cid = false;
    return each(object, [&](std::string_view key, Value& member) {
      if (key != "cid") return true;
      std::uint64_t id = 0;
      if (std::exchange(has_cid, true) || !number(member, id)) return false;
      ctx_id = static_cast<CtxId>(id);
      return true;
    });
  }

  static bool read_context(Value& value, CtxId& ctx_id) {
    Object context;
    if (value.get_object().get(context)) return false;
    bool has_kind = false;
    unsigned seen = 0;
    const auto take = [&](std::string_view key, Value& member) {
      if (is_another_case_of(key, "kind", "ctx_id")) return false;
      if (key == "kind") {
        std::string_view kind;
        if (!once(seen, 1) || member.get_string().get(kind)) return false;
        has_kind = kind == "full" || kind == "delta";
        return has_kind;
      }
      std::uint64_t id = 0;
      if (key != "ctx_id") return true;
      if (!once(seen, 2) || !number(member, id)) return false;
      ctx_id = static_cast<CtxId>(id);
      return true;
    };
    if (!each(context, take)) return false;
    if (!has_kind) ctx_id = {};  // version 1 tells none
    return true;
  }

  static bool settle(const Members& members, EventHead& head) {
    head.type = members.type;
    head.ctx_id = {};
    if (head.type == EventType::kSyscall) head.ctx_id = members.call.ctx_id;
    if (head.type == EventType::kContextSnapshot) head.ctx_id = members.context.ctx_id;
    return head.type != EventType::kOther;
  }
};

AnyOrderHead::AnyOrderHead() = default;
AnyOrderHead::~AnyOrderHead() = default;
AnyOrderHead::AnyOrderHead(AnyOrderHead&&) noexcept = default;
AnyOrderHead& AnyOrderHead::operator=(AnyOrderHead&&) noexcept = default;

std::optional<EventHead> AnyOrderHead::read(std::string_view line, std::size_t readable) {
  if (rep_ == nullptr) rep_ = std::make_unique<Rep>();
  EventHead head;
  return rep_->read(line, readable, head) ? std::optional(head) : std::nullopt;
}

EventHead head_of(const RecordedEvent& event) {
  EventHead head{
      .seq_num = event.seq_num, .timestamp = event.timestamp, .type = event.event_type()};
  if (const auto* snapshot = std::get_if<ContextSnapshot>(&event.payload)) {
    head.ctx_id = snapshot->ctx_id;
  } else if (const auto* call = std::get_if<Syscall>(&event.payload);
             call != nullptr && is_context_call(call->name)) {
    head.ctx_id = static_cast<CtxId>(call->args["cid"].to_uint().value_or(0));
  }
  return head;
}

}  // namespace agdb

#include "debug/record/event_head.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "debug/record/digits.h"
#include "debug/record/json_cursor.h"
#include "debug/record/literal.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr char kSeqNum[] = "{\"seq_num\":";

// Steps over what must stand there, within bounds. False: something else does.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  template <std::size_t N>
  bool skip(const char (&literal)[N]) {
    return skip_literal(at_, end_, literal);
  }

  bool number(std::uint64_t& out) { return read_digits(at_, end_, out); }

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

bool read_ctx(Cursor& line, CtxId& out) {
  std::uint64_t id = 0;
  if (!line.number(id) || !(line.skip(",") || line.skip("}"))) return false;
  out = static_cast<CtxId>(id);
  return true;
}

bool is_context_call(std::string_view name) {
  return name == "CtxRead" || name == "CtxWrite";
}

bool read_call_ctx(Cursor& line, CtxId& ctx_id) {
  if (!line.skip("{\"syscall\":\"")) return false;
  if (!line.skip("Ctx")) return true;
  if (!line.skip("Read\"") && !line.skip("Write\"")) {
    // CtxAlloc, CtxReclaim; a name with an escape in it might yet be one of the two.
    return line.skip("Alloc\"") || line.skip("Reclaim\"");
  }
  return line.skip(",\"args\":{\"cid\":") && read_ctx(line, ctx_id);
}

bool read_snapshot_ctx(Cursor& line, CtxId& ctx_id) {
  if (!line.skip("{\"kind\":\"")) return false;
  if (!line.skip("delta\"") && !line.skip("full\"")) return false;
  return line.skip(",\"ctx_id\":") && read_ctx(line, ctx_id);
}

// What stands between the type's name and the payload.
template <std::size_t N>
bool read_n(Cursor& line, OwnLineStart& start, EventType type, const char (&payload)[N]) {
  start.type = type;
  if (line.skip(",\"n\":") && !line.number(start.n)) return false;
  return line.skip(payload);
}

bool read_type(Cursor& line, OwnLineStart& start) {
  using enum EventType;
  if (line.skip("syscall\"")) return read_n(line, start, kSyscall, ",\"syscall\":");
  if (line.skip("context_snapshot\""))
    return read_n(line, start, kContextSnapshot, ",\"context\":");
  if (line.skip("llm_response\"")) return read_n(line, start, kLlmResponse, ",\"llm\":");
  if (line.skip("state_change\"")) return read_n(line, start, kStateChange, ",\"state\":");
  if (line.skip("alert\"")) return read_n(line, start, kAlert, ",\"alert\":");
  return line.skip("gap\"") && read_n(line, start, kGap, ",\"gap\":");
}

bool read_start(Cursor& line, OwnLineStart& start) {
  std::uint64_t seq_num = 0;
  std::int64_t timestamp = 0;
  std::uint64_t pid = 0;
  const bool known = line.skip(kSeqNum) && line.number(seq_num) && line.skip(",\"timestamp\":") &&
                     line.signed_number(timestamp) && line.skip(",\"pid\":") && line.number(pid) &&
                     line.skip(",\"type\":\"") && read_type(line, start);
  start.seq_num = static_cast<SeqNum>(seq_num);
  start.timestamp = Nanoseconds(timestamp);
  return known;
}

bool read_ctx_of(Cursor& line, EventType type, CtxId& ctx_id) {
  if (type == EventType::kSyscall) return read_call_ctx(line, ctx_id);
  if (type == EventType::kContextSnapshot) return read_snapshot_ctx(line, ctx_id);
  return line.skip("{");
}

}  // namespace

std::size_t read_own_head(std::string_view text, EventHead& head) {
  Cursor line(text);
  OwnLineStart start;
  head.ctx_id = {};
  if (!read_start(line, start) || !read_ctx_of(line, start.type, head.ctx_id)) return 0;
  head.seq_num = start.seq_num;
  head.timestamp = start.timestamp;
  head.type = start.type;
  return static_cast<std::size_t>(line.at() - text.data());
}

std::size_t read_own_start(std::string_view line, OwnLineStart& start) {
  Cursor at(line);
  start.n = 0;
  return read_start(at, start) ? static_cast<std::size_t>(at.at() - line.data()) : 0;
}

bool begins_with(std::string_view line, SeqNum seq_num) {
  Cursor at(line);
  std::uint64_t number = 0;
  return at.skip(kSeqNum) && at.number(number) && number == raw(seq_num) && at.skip(",");
}

namespace {

bool has_capital(std::string_view key) {
  return std::any_of(key.begin(), key.end(), [](char each) { return each >= 'A' && each <= 'Z'; });
}

// Such a key may stand for a known one, which parse_line finds out.
bool is_another_case_of(std::string_view key, std::span<const std::string_view> known) {
  if (!has_capital(key)) return false;
  const std::string lower = to_lower_ascii(key);
  return std::find(known.begin(), known.end(), lower) != known.end();
}

// Reads a line of any form; members are taken at most once each.
class AnyHead {
 public:
  AnyHead(std::string_view line, std::size_t readable) : line_(line, readable) {}

  bool read(EventHead& head) {
    const bool good =
        line_.each([&](std::string_view key) { return take(key, head); }) && line_.at_end();
    head.ctx_id = {};
    if (head.type == EventType::kSyscall) head.ctx_id = call_ctx_;
    if (head.type == EventType::kContextSnapshot) head.ctx_id = snapshot_ctx_;
    return good && head.type != EventType::kOther;
  }

 private:
  bool once(unsigned bit) {
    const bool first = (seen_ & bit) == 0;
    seen_ |= bit;
    return first;
  }

  bool take(std::string_view key, EventHead& head) {
    std::uint64_t number = 0;
    if (key == "seq_num") {
      const bool good = once(1) && line_.count(number);
      head.seq_num = static_cast<SeqNum>(number);
      return good;
    }
    if (key == "timestamp") {
      std::int64_t timestamp = 0;
      const bool good = once(2) && line_.integer(timestamp);
      head.timestamp = Nanoseconds(timestamp);
      return good;
    }
    if (key == "pid") return once(4) && line_.count(number);
    if (key == "n") return once(8) && line_.count(number);
    if (key == "type") {
      std::string_view type;
      const bool good = once(16) && line_.text(type);
      head.type = event_type_of(type);
      return good;
    }
    if (key == "syscall") return once(32) && take_call();
    if (key == "context") return once(64) && take_snapshot();
    constexpr std::array<std::string_view, 7> kKnown = {"seq_num", "timestamp", "pid",    "n",
                                                        "type",    "syscall",   "context"};
    return !is_another_case_of(key, kKnown) && line_.skip();
  }

  // Of the arguments only those of calls that name a context are looked at: in a second pass over
  // them alone, since the name may stand behind them.
  bool take_call() {
    std::string_view name;
    std::string_view args;
    const auto take_member = [&](std::string_view key) {
      if (key == "syscall") return once(128) && line_.text(name);
      if (key == "args") return once(256) && line_.object(args);
      constexpr std::array<std::string_view, 2> kKnown = {"syscall", "args"};
      return !is_another_case_of(key, kKnown) && line_.skip();
    };
    if (!line_.each(take_member)) return false;
    return !is_context_call(name) || args.empty() || read_args(args);
  }

  bool read_args(std::string_view args) {
    JsonCursor at(args, line_.readable_from(args));
    return at.each([&](std::string_view key) {
      if (key != "cid") return at.skip();
      std::uint64_t id = 0;
      const bool good = once(512) && at.count(id);
      call_ctx_ = static_cast<CtxId>(id);
      return good;
    });
  }

  bool take_snapshot() {
    bool has_kind = false;
    const auto take_member = [&](std::string_view key) {
      if (key == "kind") {
        std::string_view kind;
        has_kind = once(1024) && line_.text(kind) && (kind == "full" || kind == "delta");
        return has_kind;
      }
      if (key == "ctx_id") {
        std::uint64_t id = 0;
        const bool good = once(2048) && line_.count(id);
        snapshot_ctx_ = static_cast<CtxId>(id);
        return good;
      }
      constexpr std::array<std::string_view, 2> kKnown = {"kind", "ctx_id"};
      return !is_another_case_of(key, kKnown) && line_.skip();
    };
    if (!line_.each(take_member)) return false;
    if (!has_kind) snapshot_ctx_ = {};  // version 1 tells none
    return true;
  }

  JsonCursor line_;
  unsigned seen_ = 0;
  CtxId call_ctx_{};
  CtxId snapshot_ctx_{};
};

}  // namespace

std::optional<EventHead> read_any_head(std::string_view line, std::size_t readable) {
  EventHead head;
  if (!AnyHead(line, readable).read(head) || !is_utf8(line)) return std::nullopt;
  return head;
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

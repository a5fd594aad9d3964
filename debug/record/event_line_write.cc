#include "debug/record/event_line.h"

#include <array>
#include <charconv>

#include "runtime/events/json.h"

namespace agdb {
namespace {

constexpr DumpStyle kFreeForm{.sorted = true, .indent = 0, .keep_bytes = true};

template <typename Integer>
void append_integer(std::string& out, Integer value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

// Writes the members of one object, in the order of the calls. `optional_…` leaves empty values
// out.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  void text(std::string_view key, std::string_view value) {
    comma();
    dump_text_member_to(out_, key, value);
  }
  void optional_text(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  template <typename Integer>
  void integer(std::string_view key, Integer value) {
    raw_key(key);
    append_integer(out_, value);
  }
  template <typename Integer>
  void optional_integer(std::string_view key, Integer value) {
    if (value != 0) integer(key, value);
  }
  // A member whose value the caller appends.
  void raw_key(std::string_view key) {
    comma();
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  void value(std::string_view key, const Json& json) {
    if (json.is_string()) return text(key, json.string());
    raw_key(key);
    dump_to(out_, json, kFreeForm);
  }
  // Keys from outside, which may need escapes.
  void unknown(const Json& members) {
    if (!members.is_object() || members.empty()) return;
    std::string object = dump(members, kFreeForm);
    comma();
    out_.append(object, 1, object.size() - 2);
  }
  void end() { out_ += '}'; }

 private:
  void comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

void append_list(std::string& out, const std::vector<ToolCall>& calls) {
  out += '[';
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, calls[i]);
  }
  out += ']';
}

void append_list(std::string& out, const std::vector<Nanoseconds>& times) {
  out += '[';
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (i > 0) out += ',';
    append_integer(out, times[i].count());
  }
  out += ']';
}

void write_members(ObjectWriter& object, std::string&, const Syscall& call) {
  object.text("syscall", call.name);
  if (!call.args.empty()) object.value("args", call.args);
  if (!call.result.is_null()) object.value("result", call.result);
  object.optional_text("err", call.err);
  object.integer("duration", call.duration.count());
  object.optional_text("span_id", call.span_id);
}

void write_members(ObjectWriter& object, std::string& out, const LlmResponse& llm) {
  object.text("model", llm.model);
  object.integer("request_tokens", llm.request_tokens);
  object.integer("response_tokens", llm.response_tokens);
  object.optional_text("content", llm.content);
  if (!llm.tool_calls.empty()) {
    object.raw_key("tool_calls");
    append_list(out, llm.tool_calls);
  }
  object.optional_text("stop_reason", llm.stop_reason);
  object.optional_integer("cache_read_tokens", llm.cache_read_tokens);
  object.optional_integer("cache_creation_tokens", llm.cache_creation_tokens);
  object.optional_integer("time_to_first_token", llm.time_to_first_token.count());
  object.optional_integer("time_to_last_token", llm.time_to_last_token.count());
  object.optional_integer("request_setup", llm.request_setup.count());
  if (!llm.attempt_starts.empty()) {
    object.raw_key("attempt_starts");
    append_list(out, llm.attempt_starts);
  }
  if (llm.cost_usd) object.value("cost_usd", *llm.cost_usd);
  object.optional_text("error", llm.error);
}

void write_members(ObjectWriter& object, std::string&, const StateChange& state) {
  object.text("from_state", state.from_state);
  object.text("to_state", state.to_state);
  object.text("reason", state.reason);
}

void write_members(ObjectWriter& object, std::string&, const Alert& alert) {
  object.text("kind", alert.kind);
  object.text("level", alert.level);
  object.integer("tokens_used", alert.tokens_used);
  object.integer("context_budget", alert.context_budget);
  object.value("remaining_pct", alert.remaining_pct);
  object.integer("est_remaining_steps", alert.est_remaining_steps);
  object.integer("step", alert.step);
}

void write_members(ObjectWriter& object, std::string&, const Gap& gap) {
  object.integer("lost_events", gap.lost_events);
  object.integer("first_n", gap.first_n);
  object.text("reason", gap.reason);
}

// What the two forms of a version-2 snapshot have in common. `hash` is hex.
void write_snapshot(ObjectWriter& object, std::string& out, const SnapshotText& snapshot,
                    std::string_view hash) {
  const bool delta = snapshot.kind == ContextSnapshot::Kind::kDelta;
  object.text("kind", delta ? "delta" : "full");
  object.integer("ctx_id", raw(snapshot.ctx_id));
  if (delta) {
    object.integer("base", raw(snapshot.base));
    object.integer("keep", snapshot.keep);
  }
  // In the order of the format's two rules: a full one has its prompt before, a delta behind.
  const bool has_prompt = snapshot.system_prompt != nullptr;
  if (has_prompt && !delta) object.text("system_prompt", *snapshot.system_prompt);
  object.raw_key("messages");
  out += '[';
  out += snapshot.messages;
  out += ']';
  if (has_prompt && delta) object.text("system_prompt", *snapshot.system_prompt);
  object.integer("tokens", snapshot.tokens);
  object.optional_text("hash", hash);
}

void write_members(ObjectWriter& object, std::string& out, const SnapshotText& snapshot) {
  write_snapshot(object, out, snapshot, snapshot.hash.hex());
}

void write_version1(ObjectWriter& object, std::string& out, const ContextSnapshot& snapshot) {
  object.raw_key("messages");
  Json::Array texts(snapshot.texts.begin(), snapshot.texts.end());
  dump_to(out, Json(std::move(texts)), kFreeForm);
}

void write_members(ObjectWriter& object, std::string& out, const ContextSnapshot& snapshot) {
  if (snapshot.kind == ContextSnapshot::Kind::kVersion1)
    return write_version1(object, out, snapshot);
  std::string messages;
  for (const Message& message : snapshot.messages) {
    if (!messages.empty()) messages += ',';
    append_json(messages, message);
  }
  const SnapshotText text{
      .kind = snapshot.kind,
      .ctx_id = snapshot.ctx_id,
      .base = snapshot.base,
      .keep = snapshot.keep,
      .system_prompt = snapshot.system_prompt ? &*snapshot.system_prompt : nullptr,
      .messages = messages,
      .tokens = snapshot.tokens,
      .hash = {},
  };
  write_snapshot(object, out, text, snapshot.hash);
}

ObjectWriter begin_line(std::string& out, const LineHead& head, std::string_view type) {
  ObjectWriter line(out);
  line.integer("seq_num", raw(head.seq_num));
  line.integer("timestamp", head.timestamp.count());
  line.integer("pid", raw(head.pid));
  line.text("type", type);
  line.optional_integer("n", head.n);
  return line;
}

template <typename Payload>
void write_payload(std::string& out, ObjectWriter& line, std::string_view key,
                   const Payload& payload, const Json& unknown) {
  line.raw_key(key);
  ObjectWriter object(out);
  write_members(object, out, payload);
  object.unknown(unknown);
  object.end();
}

template <typename Payload>
void write_line(std::string& out, const LineHead& head, std::string_view type, std::string_view key,
                const Payload& payload) {
  ObjectWriter line = begin_line(out, head, type);
  write_payload(out, line, key, payload, Json());
  line.end();
  out += '\n';
}

}  // namespace

void append_line(std::string& out, const LineHead& head, const Syscall& payload) {
  write_line(out, head, "syscall", "syscall", payload);
}

void append_line(std::string& out, const LineHead& head, const LlmResponse& payload) {
  write_line(out, head, "llm_response", "llm", payload);
}

void append_line(std::string& out, const LineHead& head, const StateChange& payload) {
  write_line(out, head, "state_change", "state", payload);
}

void append_line(std::string& out, const LineHead& head, const Alert& payload) {
  write_line(out, head, "alert", "alert", payload);
}

void append_line(std::string& out, const LineHead& head, const Gap& payload) {
  write_line(out, head, "gap", "gap", payload);
}

void append_line(std::string& out, const LineHead& head, const SnapshotText& payload) {
  write_line(out, head, "context_snapshot", "context", payload);
}

void append_line(std::string& out, const RecordedEvent& event) {
  const std::string_view key = payload_key(event.event_type());
  const bool has_payload = !std::holds_alternative<std::monostate>(event.payload);
  ObjectWriter line =
      begin_line(out, {event.seq_num, event.n, event.timestamp, event.pid}, event.type);
  if (has_payload) {
    const auto write = [&](const auto& payload) {
      if constexpr (!std::is_same_v<decltype(payload), const std::monostate&>)
        write_payload(out, line, key, payload, event.unknown[key]);
    };
    std::visit(write, event.payload);
  }
  Json others = event.unknown;
  if (has_payload && others.is_object()) others.erase(key);
  line.unknown(others);
  line.end();
  out += '\n';
}

}  // namespace agdb

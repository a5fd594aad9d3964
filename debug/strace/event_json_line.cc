#include "debug/strace/event_json_line.h"

#include <array>

#include "debug/strace/strace_json.h"
#include "runtime/events/raw_json_text.h"

namespace agdb {
namespace {

std::int64_t whole_ms(Nanoseconds time) {
  return time.count() / 1'000'000;
}

// The keys of a call and the punctuation around them.
constexpr std::size_t kFixedText = 160;

std::size_t longest_text(const RawSyscall& call) {
  return kFixedText + 7 * json_text::kLongestNumber + json_text::longest_text(call.name.size()) +
         longest_json_text(call.args) + longest_json_text(call.result) +
         json_text::longest_text(call.err.size());
}

void write_call(RawJsonText& out, const EventView& view, const RawSyscall& call) {
  out.ready(R"({"timestamp_ms":)");
  out.number(whole_ms(view.timestamp()));
  out.ready(R"(,"pid":)");
  out.number(raw(view.pid()));
  out.ready(R"(,"syscall":)");
  out.text(call.name);
  out.ready(R"(,"args":)");
  if (call.args.empty()) {
    out.ready("null");
  } else {
    out.object(call.args);
  }
  out.ready(R"(,"result":)");
  out.value(call.result);
  out.ready(R"(,"error":)");
  out.text(call.err);
  out.ready(R"(,"duration_ms":)");
  out.number(whole_ms(call.duration));
  out.ready(R"(,"n":)");
  out.number(view.n());
  out.ready(R"(,"timestamp_ns":)");
  out.number(std::int64_t{view.timestamp().count()});
  out.ready(R"(,"duration_ns":)");
  out.number(std::int64_t{call.duration.count()});
  out.ready("}");
}

// Writes the members of one object, in the order of the calls; who calls keeps what is to be sorted
// sorted. `optional_…` leaves empty values out.
class ObjectText {
 public:
  explicit ObjectText(std::string& out) : out_(out) { out_ += '{'; }

  void text(std::string_view key, std::string_view value) {
    begin(key);
    dump_string_to(out_, value);
  }
  void optional_text(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  template <typename Integer>
  void integer(std::string_view key, Integer value) {
    begin(key);
    append(value);
  }
  template <typename Integer>
  void optional_integer(std::string_view key, Integer value) {
    if (value != 0) integer(key, value);
  }
  void value(std::string_view key, const Json& json) {
    begin(key);
    dump_to(out_, json);
  }
  // `write` appends each item.
  template <typename List, typename Write>
  void list(std::string_view key, const List& items, const Write& write) {
    begin(key);
    out_ += '[';
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      write(item);
    }
    out_ += ']';
  }
  // A member whose value the caller appends. REQUIRES: a key without escapes.
  void begin(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  template <typename Integer>
  void append(Integer value) {
    std::array<char, json_text::kLongestNumber> digits;
    out_.append(digits.data(), json_text::put(digits.data(), value));
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

// `null_arguments`: whether arguments that are null are written.
void write_tool_call(std::string& out, const ToolCall& call, bool null_arguments) {
  ObjectText object(out);
  if (null_arguments || !call.arguments.is_null()) object.value("arguments", call.arguments);
  object.text("id", call.id);
  object.text("name", call.name);
  object.end();
}

void write_message(std::string& out, const Message& message) {
  ObjectText object(out);
  object.text("content", message.content);
  object.optional_text("name", message.name);
  object.text("role", message.role);
  object.optional_text("tool_call_id", message.tool_call_id);
  if (!message.tool_calls.empty())
    object.list("tool_calls", message.tool_calls,
                [&](const ToolCall& call) { write_tool_call(out, call, false); });
  object.optional_integer("turn", message.turn);
  object.end();
}

void write_payload(std::string& out, const ContextChange& change) {
  ObjectText object(out);
  object.integer("ctx_id", raw(change.ctx_id));
  object.integer("keep", change.keep);
  object.list("messages", change.messages,
              [&](const MessagePtr& message) { write_message(out, *message); });
  if (change.system_prompt) object.text("system_prompt", *change.system_prompt);
  object.integer("tokens", change.tokens);
  object.end();
}

void write_payload(std::string& out, const LlmResponse& response) {
  ObjectText object(out);
  if (!response.attempt_starts.empty())
    object.list("attempt_starts", response.attempt_starts,
                [&](Nanoseconds time) { object.append(std::int64_t{time.count()}); });
  object.optional_integer("cache_creation_tokens", response.cache_creation_tokens);
  object.optional_integer("cache_read_tokens", response.cache_read_tokens);
  object.optional_text("content", response.content);
  if (response.cost_usd) object.value("cost_usd", *response.cost_usd);
  object.optional_text("error", response.error);
  object.text("model", response.model);
  object.optional_integer("request_setup", std::int64_t{response.request_setup.count()});
  object.integer("request_tokens", response.request_tokens);
  object.integer("response_tokens", response.response_tokens);
  object.optional_text("stop_reason", response.stop_reason);
  object.optional_integer("time_to_first_token",
                          std::int64_t{response.time_to_first_token.count()});
  object.optional_integer("time_to_last_token", std::int64_t{response.time_to_last_token.count()});
  if (!response.tool_calls.empty())
    object.list("tool_calls", response.tool_calls,
                [&](const ToolCall& call) { write_tool_call(out, call, true); });
  object.end();
}

void write_call(std::string& out, const Event& event, const Syscall& call) {
  ObjectText object(out);
  object.integer("timestamp_ms", whole_ms(event.timestamp));
  object.integer("pid", raw(event.pid));
  object.text("syscall", call.name);
  const bool no_args = call.args.is_object() && call.args.empty();
  object.value("args", no_args ? Json() : call.args);
  object.value("result", call.result);
  object.text("error", call.err);
  object.integer("duration_ms", whole_ms(call.duration));
  object.integer("n", event.n);
  object.integer("timestamp_ns", std::int64_t{event.timestamp.count()});
  object.integer("duration_ns", std::int64_t{call.duration.count()});
  object.end();
}

template <typename Payload>
void write_other(std::string& out, const Event& event, std::string_view key,
                 const Payload& payload) {
  ObjectText object(out);
  object.integer("timestamp_ms", whole_ms(event.timestamp));
  object.integer("pid", raw(event.pid));
  object.text("type", type_name(event.payload));
  object.begin(key);
  write_payload(out, payload);
  object.integer("n", event.n);
  object.integer("timestamp_ns", std::int64_t{event.timestamp.count()});
  object.end();
}

}  // namespace

void append_event_json(std::string& out, const EventView& view) {
  const RawSyscall* call = view.raw_syscall();
  if (call == nullptr) return append_event_json(out, view.event());
  const std::size_t before = out.size();
  bool gave_up = false;
  out.resize_and_overwrite(before + longest_text(*call), [&](char* text, std::size_t) {
    RawJsonText line(text + before);
    write_call(line, view, *call);
    gave_up = line.gave_up();
    return gave_up ? before : static_cast<std::size_t>(line.end() - text);
  });
  if (gave_up) append_event_json(out, view.event());
}

void append_event_json(std::string& out, const Event& event) {
  if (const auto* call = std::get_if<Syscall>(&event.payload)) {
    write_call(out, event, *call);
  } else if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
    write_other(out, event, "context", *change);
  } else if (const auto* response = std::get_if<LlmResponse>(&event.payload)) {
    write_other(out, event, "llm", *response);
  } else {
    out += json_line(event_json(event));  // rare and small
  }
}

}  // namespace agdb

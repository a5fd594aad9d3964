#include "debug/strace/event_from_json.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Reads the members of one object and remembers the first that is wrong; after that, what it gives
// does not matter. Moves texts and values out of the object, which outlives it.
class MemberReader {
 public:
  // `where` stands in front of the names in errors: "llm.", or nothing.
  MemberReader(Json& object, std::string_view where) : object_(object), where_(where) {}

  std::string text(std::string_view key) {
    Json* value = member(key);
    if (value == nullptr) return {};
    if (value->is_string()) return std::move(value->string());
    refuse(key, "a text");
    return {};
  }
  std::int64_t integer(std::string_view key) {
    return number<std::int64_t>(key, &Json::to_int, "a whole number of 64 bits").value_or(0);
  }
  std::optional<std::int64_t> optional_integer(std::string_view key) {
    return number<std::int64_t>(key, &Json::to_int, "a whole number of 64 bits");
  }
  std::uint64_t unsigned_integer(std::string_view key) {
    return number<std::uint64_t>(key, &Json::to_uint, "a whole number that is not negative")
        .value_or(0);
  }
  Nanoseconds nanoseconds(std::string_view key) { return Nanoseconds(integer(key)); }
  std::optional<double> optional_double(std::string_view key) {
    return number<double>(key, &Json::to_double, "a number");
  }
  // Any value; null when it is missing.
  Json any(std::string_view key) {
    Json* value = member(key);
    return value == nullptr ? Json() : std::move(*value);
  }
  Json object_or_null(std::string_view key) {
    Json value = any(key);
    if (!value.is_null() && !value.is_object()) refuse(key, "an object");
    return value;
  }
  // `read` makes an item of each element; its errors are those of the list.
  template <typename Item, typename Read>
  std::vector<Item> list(std::string_view key, const Read& read) {
    std::vector<Item> items;
    const Json* value = member(key);
    if (value == nullptr) return items;
    if (!value->is_array()) {
      refuse(key, "a list");
      return items;
    }
    for (const Json& element : value->items()) {
      Result<Item> item = read(element);
      if (!item) {
        fail_with(fmt::format("{}{}[{}]: {}", where_, key, items.size(), item.error().message));
        break;
      }
      items.push_back(*std::move(item));
    }
    return items;
  }
  void fail_with(std::string message) {
    if (!error_) error_ = Error{Code::kCorrupt, std::move(message)};
  }
  void refuse(std::string_view key, std::string_view expected) {
    fail_with(fmt::format("{}{}: expected {}", where_, key, expected));
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  Json* member(std::string_view key) {
    Json* value = object_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  template <typename Number>
  std::optional<Number> number(std::string_view key, std::optional<Number> (Json::*read)() const,
                               std::string_view expected) {
    const Json* value = member(key);
    if (value == nullptr) return std::nullopt;
    const std::optional<Number> number = (value->*read)();
    if (!number) refuse(key, expected);
    return number;
  }

  Json& object_;
  const std::string where_;
  std::optional<Error> error_;
};

constexpr std::int64_t kNanosecondsInAMs = 1'000'000;

// Exact where the exact member is there.
Nanoseconds time_of(MemberReader& in, std::string_view exact, std::string_view in_ms) {
  const std::optional<std::int64_t> nanoseconds = in.optional_integer(exact);
  if (nanoseconds) return Nanoseconds(*nanoseconds);
  std::int64_t time = 0;
  if (__builtin_mul_overflow(in.integer(in_ms), kNanosecondsInAMs, &time))
    in.refuse(in_ms, "a time that fits 64 bits in nanoseconds");
  return Nanoseconds(time);
}

Syscall read_call(MemberReader& in) {
  Syscall call;
  call.name = in.text("syscall");
  call.args = in.object_or_null("args");
  call.result = in.any("result");
  call.err = in.text("error");
  call.duration = time_of(in, "duration_ns", "duration_ms");
  return call;
}

Result<MessagePtr> message_of(const Json& json) {
  AGDB_TRY(Message message, message_from_json(json));
  return std::make_shared<const Message>(std::move(message));
}

Result<Nanoseconds> time_in_list(const Json& json) {
  const std::optional<std::int64_t> time = json.to_int();
  if (!time) return fail(Code::kCorrupt, "expected a whole number of 64 bits");
  return Nanoseconds(*time);
}

ContextChange read_context(MemberReader& in) {
  ContextChange change;
  change.ctx_id = static_cast<CtxId>(in.unsigned_integer("ctx_id"));
  change.keep = in.unsigned_integer("keep");
  change.messages = in.list<MessagePtr>("messages", message_of);
  Json prompt = in.any("system_prompt");
  if (prompt.is_string()) {
    change.system_prompt = std::make_shared<const std::string>(std::move(prompt.string()));
  } else if (!prompt.is_null()) {
    in.refuse("system_prompt", "a text");
  }
  change.tokens = in.integer("tokens");
  return change;
}

LlmResponse read_llm(MemberReader& in) {
  LlmResponse response;
  response.model = in.text("model");
  response.request_tokens = in.integer("request_tokens");
  response.response_tokens = in.integer("response_tokens");
  response.content = in.text("content");
  response.tool_calls = in.list<ToolCall>("tool_calls", tool_call_from_json);
  response.stop_reason = in.text("stop_reason");
  response.cache_read_tokens = in.integer("cache_read_tokens");
  response.cache_creation_tokens = in.integer("cache_creation_tokens");
  response.time_to_first_token = in.nanoseconds("time_to_first_token");
  response.time_to_last_token = in.nanoseconds("time_to_last_token");
  response.request_setup = in.nanoseconds("request_setup");
  response.attempt_starts = in.list<Nanoseconds>("attempt_starts", time_in_list);
  response.cost_usd = in.optional_double("cost_usd");
  response.error = in.text("error");
  return response;
}

StateChange read_state(MemberReader& in) {
  StateChange change;
  change.from_state = in.text("from_state");
  change.to_state = in.text("to_state");
  change.reason = in.text("reason");
  return change;
}

Alert read_alert(MemberReader& in) {
  Alert alert;
  alert.kind = in.text("kind");
  alert.level = in.text("level");
  alert.tokens_used = in.integer("tokens_used");
  alert.context_budget = in.integer("context_budget");
  alert.remaining_pct = in.optional_double("remaining_pct").value_or(0);
  alert.est_remaining_steps = in.integer("est_remaining_steps");
  alert.step = in.integer("step");
  return alert;
}

Gap read_gap(MemberReader& in) {
  Gap gap;
  gap.lost_events = in.unsigned_integer("lost_events");
  gap.first_n = in.unsigned_integer("first_n");
  gap.reason = in.text("reason");
  return gap;
}

std::optional<ForkOrigin> read_origin(MemberReader& in) {
  Json json = in.object_or_null("forked_from");
  if (!json.is_object()) return std::nullopt;
  MemberReader origin(json, "process.forked_from.");
  ForkOrigin from{.record_id = origin.text("record_id"),
                  .seq_num = static_cast<SeqNum>(origin.unsigned_integer("seq_num"))};
  if (origin.error()) in.fail_with(origin.error()->message);
  return from;
}

ProcessStart read_start(MemberReader& in) {
  ProcessStart start;
  start.intent = in.text("intent");
  start.parent = static_cast<Pid>(in.unsigned_integer("parent"));
  start.run_id = in.text("run_id");
  start.trace_id = in.text("trace_id");
  start.runtime = in.text("runtime");
  start.time_source = in.text("time_source");
  start.model = in.text("model");
  start.context_budget = in.integer("context_budget");
  start.max_steps = in.integer("max_steps");
  if (const std::string wall = in.text("wall_start"); !wall.empty()) {
    const Result<WallTime> time = parse_wall_time(wall);
    if (!time) in.fail_with("process.wall_start: " + time.error().message);
    start.wall_start = time.value_or(WallTime{});
  }
  start.forked_from = read_origin(in);
  return start;
}

ProcessEnd read_end(MemberReader& in) {
  ProcessEnd end;
  end.exit_reason = in.text("exit_reason");
  end.last_n = in.unsigned_integer("last_n");
  return end;
}

struct PayloadKind {
  std::string_view type;
  std::string_view key;
  Event::Payload (*read)(MemberReader& in);
};

// `read` as a function that gives any payload.
template <auto kRead>
Event::Payload read_as(MemberReader& in) {
  return kRead(in);
}

constexpr PayloadKind kPayloads[] = {
    {"context_snapshot", "context", read_as<read_context>},
    {"llm_response", "llm", read_as<read_llm>},
    {"state_change", "state", read_as<read_state>},
    {"alert", "alert", read_as<read_alert>},
    {"gap", "gap", read_as<read_gap>},
    {"process_start", "process", read_as<read_start>},
    {"process_end", "process", read_as<read_end>},
};

Event::Payload read_payload(MemberReader& in, std::string_view type) {
  for (const PayloadKind& kind : kPayloads) {
    if (kind.type != type) continue;
    Json json = in.object_or_null(kind.key);
    const std::string where = std::string(kind.key) + ".";
    MemberReader payload(json, where);
    Event::Payload read = kind.read(payload);
    if (payload.error()) in.fail_with(payload.error()->message);
    return read;
  }
  in.fail_with(fmt::format("type: \"{}\" is not known", printable(prefix_of_bytes(type, 40))));
  return {};
}

}  // namespace

Result<Event> event_from_json(Json json) {
  if (!json.is_object()) return fail(Code::kCorrupt, "event: expected an object");
  MemberReader in(json, "");
  const std::string type = in.text("type");
  if (type.empty() && !in.error() && json.find("syscall") == nullptr)
    return fail(Code::kCorrupt, "event: neither type nor syscall is there");
  Event event;
  event.pid = static_cast<Pid>(in.unsigned_integer("pid"));
  event.n = in.unsigned_integer("n");
  event.timestamp = time_of(in, "timestamp_ns", "timestamp_ms");
  event.payload = type.empty() ? read_call(in) : read_payload(in, type);
  if (in.error()) return std::unexpected(*in.error());
  return event;
}

}  // namespace agdb

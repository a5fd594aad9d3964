#include <simdjson.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "debug/record/event_line.h"
#include "debug/trace/trace_event.h"
#include "debug/trace/trace_fields.h"

namespace agdb {
namespace {

namespace ondemand = simdjson::ondemand;
using Value = ondemand::value;
using Object = ondemand::object;

// Whether a known key could be meant by one that differs in case only.
bool has_capital(std::string_view key) {
  return std::ranges::any_of(key, [](char each) { return each >= 'A' && each <= 'Z'; });
}

// False: something is not as expected.
template <typename Take>
bool each_member(Object& object, Take take) {
  for (auto field : object) {
    std::string_view key;
    Value value;
    if (field.unescaped_key().get(key) || field.value().get(value) || !take(key, value))
      return false;
  }
  return true;
}

template <typename Take>
bool each_member(Value& value, Take take) {
  Object object;
  return !value.get_object().get(object) && each_member(object, take);
}

bool is_null(Value& value) {
  ondemand::json_type type{};
  return !value.type().get(type) && type == ondemand::json_type::null;
}

bool get(Value& value, std::string_view& out) {
  return is_null(value) || !value.get_string().get(out);
}
bool get(Value& value, std::int64_t& out) {
  return is_null(value) || !value.get_int64().get(out);
}
bool get(Value& value, std::uint64_t& out) {
  return is_null(value) || !value.get_uint64().get(out);
}
bool get(Value& value, double& out) {
  return is_null(value) || !value.get_double().get(out);
}
bool get(Value& value, Nanoseconds& out) {
  std::int64_t count = out.count();
  const bool good = get(value, count);
  out = Nanoseconds(count);
  return good;
}
template <typename T>
bool get(Value& value, std::optional<T>& out) {
  if (is_null(value)) return true;
  return get(value, out.emplace());
}

// Lists and objects are none, and no error.
bool get_flat(Value& value, FlatValue& out) {
  ondemand::json_type type{};
  if (value.type().get(type)) return false;
  if (type == ondemand::json_type::string) return get(value, out.text);
  if (type == ondemand::json_type::number) return get(value, out.number);
  return true;
}

TraceEvent::Type type_of(std::string_view name) {
  switch (event_type_of(name)) {
    case EventType::kSyscall:
      return TraceEvent::Type::kCall;
    case EventType::kContextSnapshot:
      return TraceEvent::Type::kContext;
    case EventType::kLlmResponse:
      return TraceEvent::Type::kResponse;
    case EventType::kStateChange:
      return TraceEvent::Type::kState;
    case EventType::kAlert:
      return TraceEvent::Type::kAlert;
    case EventType::kGap:
      return TraceEvent::Type::kGap;
    case EventType::kOther:
      break;
  }
  return TraceEvent::Type::kOther;
}

bool read_argument(TraceEvent& event, std::string_view key, Value& value) {
  ondemand::json_type type{};
  if (value.type().get(type)) return false;
  if (type == ondemand::json_type::string) {
    if (key == "data") {
      std::string_view data;
      if (event.name != "Write") return true;
      if (!get(value, data)) return false;
      take_written(event, data);
      return true;
    }
    std::string_view* const field = text_argument(event, key);
    return field == nullptr || get(value, *field);
  }
  if (type != ondemand::json_type::number || !is_number_argument(key)) return true;
  std::int64_t number = 0;
  if (!get(value, number)) return false;
  take_number_argument(event, key, number);
  return true;
}

bool read_result(TraceEvent& event, Value& value) {
  ondemand::json_type type{};
  if (value.type().get(type)) return false;
  if (type != ondemand::json_type::object) {
    // Others' results mean nothing to us, and may be long.
    if (type == ondemand::json_type::string && event.name != "Open") return true;
    FlatValue flat;
    if (!get_flat(value, flat)) return false;
    take_result(event, flat);
    return true;
  }
  if (event.name != "Read" && event.name != "Wait") return true;
  return each_member(value, [&](std::string_view key, Value& member) {
    if (!is_known_result(key)) return true;
    FlatValue flat;
    if (!get_flat(member, flat)) return false;
    take_result_member(event, key, flat);
    return true;
  });
}

bool read_call(TraceEvent& event, Value& payload) {
  return each_member(payload, [&](std::string_view key, Value& value) {
    if (key == "syscall") return get(value, event.name);
    if (key == "duration") return get(value, event.duration);
    if (key == "err") return get(value, event.err);
    if (key != "args" && key != "result") return !has_capital(key);
    // What they mean goes by the name.
    if (event.name.empty()) return false;
    if (is_null(value)) return true;
    if (key == "result") return read_result(event, value);
    return each_member(value, [&](std::string_view name, Value& argument) {
      return read_argument(event, name, argument);
    });
  });
}

// Messages of version 1 are texts, and not looked at.
bool read_newest_message(TraceEvent& event, Value& messages) {
  ondemand::array list;
  if (messages.get_array().get(list)) return false;
  for (auto item : list) {
    Value message;
    if (item.get(message)) return false;
    ondemand::json_type type{};
    if (message.type().get(type)) return false;
    if (type != ondemand::json_type::object) continue;
    event.newest_message_bytes = 0;
    const bool good = each_member(message, [&](std::string_view key, Value& value) {
      std::string_view content;
      if (key != "content") return !has_capital(key);
      if (!get(value, content)) return false;
      event.newest_message_bytes = static_cast<std::int64_t>(content.size());
      return true;
    });
    if (!good) return false;
  }
  return true;
}

bool read_context(TraceEvent& event, Value& payload, bool with_message) {
  return each_member(payload, [&](std::string_view key, Value& value) {
    if (key == "tokens") return get(value, event.context_tokens);
    if (key == "messages" && with_message && !is_null(value))
      return read_newest_message(event, value);
    return !has_capital(key);
  });
}

bool read_tool_call(TraceEvent& event, Value& item) {
  TraceToolCall call;
  call.arguments_hash = XXH3_64bits("{}", 2);
  const bool good = each_member(item, [&](std::string_view key, Value& value) {
    if (key == "id") return get(value, call.id);
    if (key == "name") return get(value, call.name);
    if (key != "arguments") return !has_capital(key);
    if (is_null(value)) return true;
    std::string_view text;
    if (simdjson::to_json_string(value).get(text)) return false;
    call.arguments_hash = XXH3_64bits(text.data(), text.size());
    return true;
  });
  if (good && event.tool_calls.size() < TraceEvent::kMaxToolCalls) event.tool_calls.push_back(call);
  return good;
}

template <typename Take>
bool each_item(Value& value, Take take) {
  if (is_null(value)) return true;
  ondemand::array list;
  if (value.get_array().get(list)) return false;
  for (auto item : list) {
    Value each;
    if (item.get(each) || !take(each)) return false;
  }
  return true;
}

bool read_response(TraceEvent& event, Value& payload) {
  return each_member(payload, [&](std::string_view key, Value& value) {
    if (key == "content") return true;
    if (key == "model") return get(value, event.model);
    if (key == "request_tokens") return get(value, event.request_tokens);
    if (key == "response_tokens") return get(value, event.response_tokens);
    if (key == "tool_calls")
      return each_item(value, [&](Value& item) { return read_tool_call(event, item); });
    if (key == "stop_reason") return get(value, event.stop_reason);
    if (key == "cache_read_tokens") return get(value, event.cache_read_tokens);
    if (key == "cache_creation_tokens") return get(value, event.cache_creation_tokens);
    if (key == "time_to_first_token") return get(value, event.time_to_first_token);
    if (key == "time_to_last_token") return get(value, event.time_to_last_token);
    if (key == "request_setup") return get(value, event.request_setup);
    if (key == "attempt_starts")
      return each_item(value,
                       [&](Value& item) { return get(item, event.attempt_starts.emplace_back()); });
    if (key == "cost_usd") return get(value, event.cost_usd);
    if (key == "error") return get(value, event.err);
    return !has_capital(key);
  });
}

bool read_state(TraceEvent& event, Value& payload) {
  return each_member(payload, [&](std::string_view key, Value& value) {
    if (key == "from_state") return get(value, event.from_state);
    if (key == "to_state") return get(value, event.to_state);
    if (key == "reason") return get(value, event.reason);
    return !has_capital(key);
  });
}

bool read_alert(TraceEvent& event, Value& payload) {
  event.budget = 0;
  return each_member(payload, [&](std::string_view key, Value& value) {
    if (key == "kind") return get(value, event.alert_kind);
    if (key == "level") return get(value, event.alert_level);
    if (key == "tokens_used") return get(value, event.tokens_used);
    if (key == "context_budget") return get(value, event.budget);
    if (key == "remaining_pct") return get(value, event.remaining_pct);
    if (key == "step") return get(value, event.step);
    return !has_capital(key);
  });
}

bool read_gap(TraceEvent& event, Value& payload) {
  return each_member(payload, [&](std::string_view key, Value& value) {
    if (key == "lost_events") return get(value, event.lost);
    if (key == "first_n") return get(value, event.first_lost);
    if (key == "reason") return get(value, event.reason);
    return !has_capital(key);
  });
}

bool is_users_message(const TraceEvent& event) {
  return event.type == TraceEvent::Type::kCall && event.name == "CtxWrite" && event.role == "user";
}

// As the reader of whole events has it: what it was live, but for a snapshot's being one.
Event to_live(RecordedEvent&& recorded) {
  Event event{.pid = recorded.pid, .n = recorded.n, .timestamp = recorded.timestamp, .payload = {}};
  if (auto* const snapshot = std::get_if<ContextSnapshot>(&recorded.payload)) {
    ContextChange change;
    change.tokens = snapshot->tokens;
    if (!snapshot->messages.empty())
      change.messages.push_back(
          std::make_shared<const Message>(std::move(snapshot->messages.back())));
    event.payload = std::move(change);
  } else if (auto* const call = std::get_if<Syscall>(&recorded.payload)) {
    event.payload = std::move(*call);
  } else if (auto* const llm = std::get_if<LlmResponse>(&recorded.payload)) {
    event.payload = std::move(*llm);
  } else if (auto* const state = std::get_if<StateChange>(&recorded.payload)) {
    event.payload = std::move(*state);
  } else if (auto* const alert = std::get_if<Alert>(&recorded.payload)) {
    event.payload = std::move(*alert);
  } else if (auto* const gap = std::get_if<Gap>(&recorded.payload)) {
    event.payload = std::move(*gap);
  } else {
    event.payload = ProcessEnd{};
  }
  return event;
}

}  // namespace

struct RecordedTraceEvents::Rep {
  ondemand::parser parser;
  std::string padded;
  TraceEvent event;
  bool after_users_message = false;
  // Of the lines that the quick way does not take.
  Event whole;
  LiveTraceEvents from_whole;

  bool read_quickly(std::string_view line) {
    event.clear();
    padded.reserve(line.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(line);
    ondemand::document document;
    Object object;
    if (parser.iterate(padded.data(), padded.size(), padded.capacity()).get(document) ||
        document.get_object().get(object))
      return false;
    std::string_view payload;
    const bool good = each_member(object, [&](std::string_view key, Value& value) {
      return take_member(payload, key, value);
    });
    // Nothing may stand behind the object.
    return good && document.current_location().error() != simdjson::SUCCESS;
  }

  bool take_member(std::string_view& payload, std::string_view key, Value& value) {
    if (key == "seq_num") return get(value, event.seq);
    if (key == "timestamp") return get(value, event.timestamp);
    if (key == "n") return get(value, event.n);
    if (key == "type") {
      std::string_view type;
      if (!payload.empty() || !get(value, type)) return false;
      payload = payload_key(event_type_of(type));
      event.type = type_of(type);
      return !payload.empty();
    }
    if (key == payload && !is_null(value)) return read_payload(value);
    // In front of the type anything else may be a payload.
    return key == "pid" || (!payload.empty() && !has_capital(key));
  }

  bool read_payload(Value& value) {
    switch (event.type) {
      case TraceEvent::Type::kCall:
        return read_call(event, value);
      case TraceEvent::Type::kContext:
        return read_context(event, value, after_users_message);
      case TraceEvent::Type::kResponse:
        return read_response(event, value);
      case TraceEvent::Type::kState:
        return read_state(event, value);
      case TraceEvent::Type::kAlert:
        return read_alert(event, value);
      case TraceEvent::Type::kGap:
        return read_gap(event, value);
      case TraceEvent::Type::kOther:
        break;
    }
    return false;
  }

  Result<const TraceEvent*> read_whole(std::string_view line) {
    AGDB_TRY(RecordedEvent recorded, parse_line(line));
    const std::uint64_t seq = raw(recorded.seq_num);
    whole = to_live(std::move(recorded));
    event = from_whole.read(whole);
    event.seq = seq;
    return &event;
  }
};

RecordedTraceEvents::RecordedTraceEvents() : rep_(std::make_unique<Rep>()) {}
RecordedTraceEvents::~RecordedTraceEvents() = default;
RecordedTraceEvents::RecordedTraceEvents(RecordedTraceEvents&&) noexcept = default;
RecordedTraceEvents& RecordedTraceEvents::operator=(RecordedTraceEvents&&) noexcept = default;

Result<const TraceEvent*> RecordedTraceEvents::read(std::string_view line) {
  Result<const TraceEvent*> event = &rep_->event;
  if (!rep_->read_quickly(line)) event = rep_->read_whole(line);
  rep_->after_users_message = event && is_users_message(**event);
  return event;
}

}  // namespace agdb

#include <xxhash.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "debug/record/event_head.h"
#include "debug/record/event_line.h"
#include "debug/record/json_cursor.h"
#include "debug/trace/trace_event.h"
#include "debug/trace/trace_fields.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

TraceEvent::Type type_of(EventType type) {
  switch (type) {
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

// The quick way, for lines that are plain: goes over the line once and builds nothing but the
// event. False, of all of these functions: something is not as expected, and the line must be read
// whole.
class EventLine {
 public:
  // `room` holds the texts that have escapes; its capacity is the line's size.
  // `after_users_message`: the line before was one, and the message itself is in this line, if it
  // is a context.
  EventLine(TraceEvent& event, std::string& room, bool after_users_message)
      : event_(event), room_(room), after_users_message_(after_users_message) {}

  bool read(std::string_view line) {
    const auto take = [this](std::string_view key) { return take_member(key); };
    OwnLineStart start;
    const std::size_t payload = read_own_start(line, start);
    line_ = JsonCursor(line.substr(payload), line.size() - payload);
    if (payload == 0) return line_.each(take) && line_.at_end();
    event_.seq = raw(start.seq_num);
    event_.timestamp = start.timestamp;
    event_.n = start.n;
    set_type(start.type);
    return take_payload() && line_.each_further(take) && line_.at_end();
  }

 private:
  bool take_member(std::string_view key) {
    if (key == "seq_num") return get(event_.seq);
    if (key == "timestamp") return get(event_.timestamp);
    if (key == "n") return get(event_.n);
    if (key == "pid") return line_.skip();
    if (key == "type") return take_type();
    // In front of the type anything may be a payload.
    if (payload_.empty()) return false;
    return key == payload_ ? take_payload() : skip_unknown(key);
  }

  bool take_type() {
    std::string_view name;
    if (!payload_.empty() || !get(name)) return false;
    set_type(event_type_of(name));
    return !payload_.empty();
  }

  void set_type(EventType type) {
    payload_ = payload_key(type);
    event_.type = type_of(type);
  }

  bool take_payload() {
    if (line_.null()) return true;
    switch (event_.type) {
      case TraceEvent::Type::kCall:
        return each([this](std::string_view key) { return take_of_call(key); });
      case TraceEvent::Type::kContext:
        return each([this](std::string_view key) { return take_of_context(key); });
      case TraceEvent::Type::kResponse:
        return each([this](std::string_view key) { return take_of_response(key); });
      case TraceEvent::Type::kState:
        return each([this](std::string_view key) { return take_of_state(key); });
      case TraceEvent::Type::kAlert:
        event_.budget = 0;
        return each([this](std::string_view key) { return take_of_alert(key); });
      case TraceEvent::Type::kGap:
        return each([this](std::string_view key) { return take_of_gap(key); });
      case TraceEvent::Type::kOther:
        break;
    }
    return false;
  }

  bool take_of_call(std::string_view key) {
    if (key == "syscall") return get(event_.name);
    if (key == "duration") return get(event_.duration);
    if (key == "err") return get(event_.err);
    if (key != "args" && key != "result") return skip_unknown(key);
    // What they mean goes by the name.
    if (event_.name.empty()) return false;
    if (line_.null()) return true;
    if (key == "result") return take_call_result();
    return each([this](std::string_view name) { return take_argument(name); });
  }

  bool take_argument(std::string_view key) {
    if (line_.peek() != '"') return take_number_argument(key);
    if (key == "data") {
      std::string_view data;
      if (event_.name != "Write") return line_.skip();
      if (!get(data)) return false;
      take_written(event_, data);
      return true;
    }
    std::string_view* const field = text_argument(event_, key);
    return field == nullptr ? line_.skip() : get(*field);
  }

  bool take_number_argument(std::string_view key) {
    if (!at_number() || !is_number_argument(key)) return line_.skip();
    std::int64_t number = 0;
    if (!get(number)) return false;
    agdb::take_number_argument(event_, key, number);
    return true;
  }

  bool take_call_result() {
    FlatValue flat;
    const char first = line_.peek();
    if (first != '{') {
      // Others' results mean nothing to us, and may be long.
      if (first == '"' && event_.name != "Open") return line_.skip();
      if (!get_flat(flat)) return false;
      take_result(event_, flat);
      return true;
    }
    if (event_.name != "Read" && event_.name != "Wait") return line_.skip();
    return each([this](std::string_view key) {
      FlatValue member;
      if (!is_known_result(key)) return line_.skip();
      if (!get_flat(member)) return false;
      take_result_member(event_, key, member);
      return true;
    });
  }

  bool take_of_context(std::string_view key) {
    if (key == "tokens") return get(event_.context_tokens);
    if (key == "messages" && after_users_message_) return take_messages();
    return skip_unknown(key);
  }

  // The newest is the last. Messages of version 1 are texts, and not looked at.
  bool take_messages() {
    return each_item([this] {
      if (line_.peek() != '{') return line_.skip();
      event_.newest_message_bytes = 0;
      return each([this](std::string_view key) {
        std::string_view content;
        if (key != "content") return skip_unknown(key);
        if (!get(content)) return false;
        event_.newest_message_bytes = static_cast<std::int64_t>(content.size());
        return true;
      });
    });
  }

  bool take_of_response(std::string_view key) {
    if (key == "content") return line_.skip();
    if (key == "model") return get(event_.model);
    if (key == "request_tokens") return get(event_.request_tokens);
    if (key == "response_tokens") return get(event_.response_tokens);
    if (key == "tool_calls") return each_item([this] { return take_tool_call(); });
    if (key == "stop_reason") return get(event_.stop_reason);
    if (key == "cache_read_tokens") return get(event_.cache_read_tokens);
    if (key == "cache_creation_tokens") return get(event_.cache_creation_tokens);
    if (key == "time_to_first_token") return get(event_.time_to_first_token);
    if (key == "time_to_last_token") return get(event_.time_to_last_token);
    if (key == "request_setup") return get(event_.request_setup);
    if (key == "attempt_starts")
      return each_item([this] { return get(event_.attempt_starts.emplace_back()); });
    if (key == "cost_usd") return get(event_.cost_usd);
    if (key == "error") return get(event_.err);
    return skip_unknown(key);
  }

  bool take_tool_call() {
    TraceToolCall call;
    call.arguments_hash = XXH3_64bits("{}", 2);
    const bool good = each([&](std::string_view key) {
      if (key == "id") return get(call.id);
      if (key == "name") return get(call.name);
      if (key != "arguments") return skip_unknown(key);
      std::string_view text;
      if (line_.null()) return true;
      if (!line_.value(text)) return false;
      call.arguments_hash = XXH3_64bits(text.data(), text.size());
      return true;
    });
    if (good && event_.tool_calls.size() < TraceEvent::kMaxToolCalls)
      event_.tool_calls.push_back(call);
    return good;
  }

  bool take_of_state(std::string_view key) {
    if (key == "from_state") return get(event_.from_state);
    if (key == "to_state") return get(event_.to_state);
    if (key == "reason") return get(event_.reason);
    return skip_unknown(key);
  }

  bool take_of_alert(std::string_view key) {
    if (key == "kind") return get(event_.alert_kind);
    if (key == "level") return get(event_.alert_level);
    if (key == "tokens_used") return get(event_.tokens_used);
    if (key == "context_budget") return get(event_.budget);
    if (key == "remaining_pct") return get(event_.remaining_pct);
    if (key == "step") return get(event_.step);
    return skip_unknown(key);
  }

  bool take_of_gap(std::string_view key) {
    if (key == "lost_events") return get(event_.lost);
    if (key == "first_n") return get(event_.first_lost);
    if (key == "reason") return get(event_.reason);
    return skip_unknown(key);
  }

  template <typename Take>
  bool each(Take take) {
    return line_.each(take);
  }
  template <typename Take>
  bool each_item(Take take) {
    return line_.null() || line_.each_item(take);
  }

  // A known key could be meant by one that differs in case only.
  bool skip_unknown(std::string_view key) {
    const bool capital = std::ranges::any_of(key, [](char c) { return c >= 'A' && c <= 'Z'; });
    return !capital && line_.skip();
  }

  bool at_number() {
    const char first = line_.peek();
    return first == '-' || (first >= '0' && first <= '9');
  }

  // Null leaves what is there.
  bool get(std::string_view& out) { return line_.null() || line_.text(out, room_); }
  bool get(std::int64_t& out) { return line_.null() || line_.integer(out); }
  bool get(std::uint64_t& out) { return line_.null() || line_.count(out); }
  bool get(double& out) { return line_.null() || line_.number(out); }
  bool get(Nanoseconds& out) {
    std::int64_t count = out.count();
    const bool good = get(count);
    out = Nanoseconds(count);
    return good;
  }
  template <typename T>
  bool get(std::optional<T>& out) {
    return line_.null() || get(out.emplace());
  }
  // Lists and objects are none, and no error.
  bool get_flat(FlatValue& out) {
    if (line_.peek() == '"') return get(out.text);
    return at_number() ? get(out.number) : line_.skip();
  }

  JsonCursor line_{{}, 0};
  TraceEvent& event_;
  std::string& room_;
  bool after_users_message_;
  std::string_view payload_;  // the key that the type told
};

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
  TraceEvent event;
  std::string room;  // for texts that have escapes
  bool after_users_message = false;
  // Of the lines that the quick way does not take.
  Event whole;
  LiveTraceEvents from_whole;

  bool read_quickly(std::string_view line) {
    event.clear();
    room.clear();
    room.reserve(line.size());
    return is_utf8(line) && EventLine(event, room, after_users_message).read(line);
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

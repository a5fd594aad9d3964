#include "debug/record/recorded_event.h"

#include <array>

namespace agdb {
namespace {

struct TypeNames {
  std::string_view name;
  std::string_view key;
};
// In the order of EventType.
constexpr std::array<TypeNames, 7> kTypes = {{{"", ""},
                                              {"syscall", "syscall"},
                                              {"context_snapshot", "context"},
                                              {"llm_response", "llm"},
                                              {"state_change", "state"},
                                              {"alert", "alert"},
                                              {"gap", "gap"}}};

struct ToPayload {
  template <typename T>
  RecordedEvent::Payload operator()(const T& payload) const {
    if constexpr (std::is_constructible_v<RecordedEvent::Payload, const T&>) {
      return payload;
    } else {
      panic(__FILE__, __LINE__, "to_recorded: no line can be made of this event alone");
    }
  }
};

}  // namespace

EventType event_type_of(std::string_view name) {
  for (std::size_t i = 1; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<EventType>(i);
  }
  return EventType::kOther;
}

std::string_view payload_key(EventType type) {
  return kTypes[static_cast<std::size_t>(type)].key;
}

Message message_from_version1(std::string_view text) {
  const std::size_t end = text.find("] ");
  if (!text.starts_with('[') || end == std::string_view::npos)
    return {.role = "user", .content = std::string(text)};
  return {.role = std::string(text.substr(1, end - 1)),
          .content = std::string(text.substr(end + 2))};
}

RecordedEvent to_recorded(const Event& event) {
  RecordedEvent recorded;
  recorded.n = event.n;
  recorded.timestamp = event.timestamp;
  recorded.pid = event.pid;
  recorded.type = type_name(event.payload);
  recorded.payload = std::visit(ToPayload{}, event.payload);
  return recorded;
}

}  // namespace agdb

#include "runtime/events/event.h"

#include <array>

namespace agdb {

std::string_view type_name(const Event::Payload& payload) {
  static constexpr std::array<std::string_view, std::variant_size_v<Event::Payload>> kNames = {
      "syscall", "context_snapshot", "llm_response", "state_change", "alert",
      "gap",     "process_start",    "process_end"};
  return kNames[payload.index()];
}

}  // namespace agdb

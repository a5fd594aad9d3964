#include "debug/record/event_facts.h"

namespace agdb {

Nanoseconds end_of(const Event& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr ? add_up(event.timestamp, call->duration) : event.timestamp;
}

std::optional<CtxId> reclaimed_context(const Event& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  if (call == nullptr || call->name != kCtxReclaim || !call->err.empty()) return std::nullopt;
  const std::optional<std::uint64_t> id = call->args["cid"].to_uint();
  return id ? std::optional(static_cast<CtxId>(*id)) : std::nullopt;
}

}  // namespace agdb

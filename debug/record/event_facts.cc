#include "debug/record/event_facts.h"

namespace agdb {
namespace {

const Syscall* succeeded(const Event& event, std::string_view name) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr && call->name == name && call->err.empty() ? call : nullptr;
}

}  // namespace

Nanoseconds end_of(const Event& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr ? add_up(event.timestamp, call->duration) : event.timestamp;
}

std::optional<CtxId> reclaimed_context(const Event& event) {
  const Syscall* call = succeeded(event, kCtxReclaim);
  if (call == nullptr) return std::nullopt;
  const std::optional<std::uint64_t> id = call->args["cid"].to_uint();
  return id ? std::optional(static_cast<CtxId>(*id)) : std::nullopt;
}

std::optional<std::int64_t> new_budget(const Event& event) {
  const Syscall* call = succeeded(event, kSetBudget);
  const std::optional<std::int64_t> budget =
      call == nullptr ? std::nullopt : call->args["budget"].to_int();
  return budget && *budget >= 0 ? budget : std::nullopt;
}

}  // namespace agdb

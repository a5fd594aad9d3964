#include "debug/trace/span.h"

#include <algorithm>
#include <array>
#include <utility>

namespace agdb {

namespace {

constexpr std::array<std::pair<SpanKind, std::string_view>, 21> kKinds = {{
    {SpanKind::kPipeline, "pipeline"},
    {SpanKind::kFnCall, "fn_call"},
    {SpanKind::kLlmCall, "llm_call"},
    {SpanKind::kToolCall, "tool_call"},
    {SpanKind::kImport, "import"},
    {SpanKind::kParallel, "parallel"},
    {SpanKind::kSpawn, "spawn"},
    {SpanKind::kStep, "step"},
    {SpanKind::kVmSetup, "vm_setup"},
    {SpanKind::kSuspension, "suspension"},
    {SpanKind::kResume, "resume"},
    {SpanKind::kDrain, "drain"},
    {SpanKind::kDrainDecision, "drain_decision"},
    {SpanKind::kPoolSubmit, "pool_submit"},
    {SpanKind::kPoolDequeue, "pool_dequeue"},
    {SpanKind::kChannelEmit, "channel_emit"},
    {SpanKind::kChannelMatch, "channel_match"},
    {SpanKind::kUserTiming, "user_timing"},
    {SpanKind::kProcess, "process"},
    {SpanKind::kPhase, "phase"},
    {SpanKind::kWait, "wait"},
}};

}  // namespace

std::string_view span_kind_name(SpanKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind)).second;
}

std::optional<SpanKind> span_kind_of(std::string_view name) {
  const auto* const found =
      std::ranges::find(kKinds, name, [](const auto& row) { return row.second; });
  if (found == kKinds.end()) return std::nullopt;
  return found->first;
}

std::string_view span_status_name(SpanStatus status) {
  switch (status) {
    case SpanStatus::kError:
      return "error";
    case SpanStatus::kTimeout:
      return "timeout";
    case SpanStatus::kOk:
      break;
  }
  return "ok";
}

SpanStatus span_status_of(std::string_view name) {
  if (name == "error") return SpanStatus::kError;
  if (name == "timeout") return SpanStatus::kTimeout;
  return SpanStatus::kOk;
}

}  // namespace agdb

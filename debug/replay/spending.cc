#include "debug/replay/spending.h"

#include "debug/record/event_facts.h"
#include "debug/record/event_scan.h"

namespace agdb {
namespace {

bool is_compaction(const RecordedEvent& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr && call->name == "CtxWrite" && call->args.text("op") == "Compact";
}

std::optional<std::int64_t> new_budget(const RecordedEvent& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  if (call == nullptr || call->name != "SetBudget" || !call->err.empty()) return std::nullopt;
  return call->args["budget"].to_int();
}

// Of the many calls only those that may be compactions or set a budget need to be read: their name
// stands in the line, be it with escapes.
bool may_matter(EventScan& scan) {
  if (scan.entry().type == EventType::kLlmResponse) return true;
  if (scan.entry().type != EventType::kSyscall) return false;
  const Result<std::string_view> line = scan.line();
  return !line || line->find("CtxWrite") != std::string_view::npos ||
         line->find("SetBudget") != std::string_view::npos ||
         line->find("\\u") != std::string_view::npos;
}

Spending at_the_start(const RecordingMetadata& metadata) {
  Spending spending;
  spending.budget = metadata.context_budget;
  if (!metadata.began_late) return spending;
  const BeganLate& late = *metadata.began_late;
  spending.history = TokenHistory(late.tokens_used, late.steps);
  spending.lost_before = late.lost_events;
  return spending;
}

}  // namespace

Spending spending_of(const Recording& recording, std::optional<SeqNum> upto) {
  Spending spending = at_the_start(recording.metadata());
  Result<EventScan> scan = EventScan::open(recording);
  if (!scan) {
    spending.unreadable = recording.size();
    return spending;
  }
  while (scan->next()) {
    if (upto && scan->entry().seq_num > *upto) break;
    if (!may_matter(*scan)) continue;
    const Result<RecordedEvent> event = scan->event();
    if (!event) {
      ++spending.unreadable;
      continue;
    }
    if (const std::optional<std::int64_t> budget = new_budget(*event)) spending.budget = *budget;
    if (is_compaction(*event)) spending.history.note_removed_messages(1);
    if (const auto* response = std::get_if<LlmResponse>(&event->payload))
      spending.history.add(*response, add_up(event->timestamp, response->time_to_last_token));
  }
  return spending;
}

}  // namespace agdb

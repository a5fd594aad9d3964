#include "debug/replay/spending.h"

#include "debug/record/event_scan.h"

namespace agdb {
namespace {

bool is_compaction(const RecordedEvent& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr && call->name == "CtxWrite" && call->args.text("op") == "Compact";
}

// Of the many calls only those that may be compactions need to be read: their name stands in the
// line, be it with escapes.
bool may_matter(EventScan& scan) {
  if (scan.entry().type == EventType::kLlmResponse) return true;
  if (scan.entry().type != EventType::kSyscall) return false;
  const Result<std::string_view> line = scan.line();
  return !line || line->find("CtxWrite") != std::string_view::npos ||
         line->find("\\u") != std::string_view::npos;
}

Spending at_the_start(const RecordingMetadata& metadata) {
  if (!metadata.began_late) return {};
  const BeganLate& late = *metadata.began_late;
  return {.history = TokenHistory(late.tokens_used, late.steps), .lost_before = late.lost_events};
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
    if (is_compaction(*event)) spending.history.note_removed_messages(1);
    if (const auto* response = std::get_if<LlmResponse>(&event->payload))
      spending.history.add(*response, event->timestamp + response->time_to_last_token);
  }
  return spending;
}

}  // namespace agdb

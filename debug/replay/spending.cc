#include "debug/replay/spending.h"

namespace agdb {
namespace {

bool is_compaction(const RecordedEvent& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  return call != nullptr && call->name == "CtxWrite" && call->args.text("op") == "Compact";
}

}  // namespace

Spending spending_of(const Recording& recording, std::optional<SeqNum> upto) {
  Spending spending;
  for (std::size_t i = 0; i < recording.size(); ++i) {
    const EventEntry entry = recording.entry(i);
    if (upto && entry.seq_num > *upto) break;
    if (entry.type != EventType::kLlmResponse && entry.type != EventType::kSyscall) continue;
    const Result<RecordedEvent> event = recording.event_at(i);
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

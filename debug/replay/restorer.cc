#include "debug/replay/restorer.h"

#include <algorithm>
#include <string>
#include <utility>

namespace agdb {

namespace {

// The intent that the last Spawn at or before `seq` names. Only lines that hold the word are
// parsed.
std::optional<std::string> spawned_intent(const Recording& recording, SeqNum seq) {
  for (std::size_t at = recording.range(SeqNum{0}, seq).second; at > 0; --at) {
    if (recording.entry(at - 1).type != EventType::kSyscall) continue;
    const Result<std::string> line = recording.line_at(at - 1);
    if (!line || line->find("Spawn") == std::string::npos) continue;
    const Result<RecordedEvent> event = recording.event_at(at - 1);
    const Syscall* call = event ? std::get_if<Syscall>(&event->payload) : nullptr;
    if (call == nullptr || call->name != "Spawn") continue;
    if (const auto intent = call->args["intent"].to_string()) return std::string(*intent);
  }
  return std::nullopt;
}

// Version 1 can only be asked that way when its recording begins before the process does. From
// version 2 on metadata knows, and the Spawn events of a recording are also those of the process's
// children.
std::string intent_at(const Recording& recording, SeqNum seq) {
  const RecordingMetadata& metadata = recording.metadata();
  if (metadata.format_version >= 2 && !metadata.intent.empty()) return metadata.intent;
  return spawned_intent(recording, seq).value_or(metadata.intent);
}

std::optional<std::size_t> first_system_message(const std::vector<Message>& messages) {
  const auto found = std::find_if(messages.begin(), messages.end(),
                                  [](const Message& m) { return m.role == "system"; });
  if (found == messages.end()) return std::nullopt;
  return static_cast<std::size_t>(found - messages.begin());
}

}  // namespace

Result<ForkContext> restore(const Recording& recording, SeqNum seq, std::optional<CtxId> ctx) {
  Result<RestoredContext> context = recording.context_at(seq, ctx);
  if (!context) {
    context.error().message.insert(0, "fork: ");
    return std::unexpected(std::move(context).error());
  }
  ForkContext fork{.original_pid = recording.metadata().pid,
                   .seq_num = seq,
                   .intent = intent_at(recording, seq),
                   .system_prompt = std::move(context->system_prompt),
                   .messages = std::move(context->messages),
                   .ctx_id = context->ctx_id,
                   .record_id = recording.metadata().record_id,
                   .gap = context->gap};
  if (context->version1) fork.prompt_message = first_system_message(fork.messages);
  return fork;
}

}  // namespace agdb

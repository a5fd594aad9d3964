#include "debug/replay/recorded_subjects.h"

#include <algorithm>
#include <limits>

namespace agdb {

namespace {

// A file may claim any number of kept messages.
std::uint64_t count_of(const ContextSnapshot& snapshot) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - snapshot.messages.size();
  return std::min(snapshot.keep, most) + snapshot.messages.size();
}

}  // namespace

FilterSubject RecordedSubjects::subject(const RecordedEvent& event) {
  FilterSubject subject{.pid = event.pid,
                        .type = event.type,
                        .syscall = std::get_if<Syscall>(&event.payload),
                        .llm = std::get_if<LlmResponse>(&event.payload),
                        .context = nullptr,
                        .state = std::get_if<StateChange>(&event.payload),
                        .alert = std::get_if<Alert>(&event.payload),
                        .gap = std::get_if<Gap>(&event.payload)};
  if (subject.syscall != nullptr) subject.path = fds_.track(event.pid, *subject.syscall);
  if (const auto* snapshot = std::get_if<ContextSnapshot>(&event.payload)) {
    view(*snapshot);
    subject.context = &context_;
  }
  return subject;
}

void RecordedSubjects::view(const ContextSnapshot& snapshot) {
  const auto before = message_counts_.find(snapshot.ctx_id);
  const bool known = before != message_counts_.end();
  context_ = {.ctx_id = snapshot.ctx_id,
              .message_count = count_of(snapshot),
              .kept = {},
              .previous_count = {},
              .added = {},
              .system_prompt = snapshot.system_prompt ? &*snapshot.system_prompt : nullptr,
              .tokens = snapshot.tokens};
  for (const Message& message : snapshot.messages) context_.added.push_back(&message);
  if (known) context_.previous_count = before->second;
  if (snapshot.kind == ContextSnapshot::Kind::kDelta) context_.kept = snapshot.keep;
  if (snapshot.kind == ContextSnapshot::Kind::kFull && !known) context_.kept = 0;
  message_counts_[snapshot.ctx_id] = context_.message_count;
}

}  // namespace agdb

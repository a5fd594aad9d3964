#include "tools/agdb/recorded_text.h"

#include <fmt/format.h>

#include "debug/replay/screen_text.h"
#include "tools/agdb/plural.h"

namespace agdb {

RecordedLines::RecordedLines(const RecordingMetadata& metadata, bool color, bool verbose) {
  options_.color = color;
  options_.verbose = verbose;
  options_.show_number = true;
  if (metadata.process_start_time) wall_start_ = *metadata.process_start_time;
}

std::string RecordedLines::line(const RecordedEvent& event, const FilterSubject& subject) const {
  const Stamp stamp{.pid = event.pid,
                    .timestamp = event.timestamp,
                    .n = raw(event.seq_num),
                    .wall_start = wall_start_};
  if (subject.syscall != nullptr)
    return strace_line(*subject.syscall, stamp, options_, subject.path);
  if (subject.llm != nullptr) return strace_line(*subject.llm, stamp, options_);
  if (subject.context != nullptr) return strace_line(*subject.context, stamp, options_);
  if (subject.state != nullptr) return strace_line(*subject.state, stamp, options_);
  if (subject.alert != nullptr) return strace_line(*subject.alert, stamp, options_);
  if (subject.gap != nullptr) return strace_line(*subject.gap, stamp, options_);
  return fmt::format("#{:03} {} (unknown event type)", raw(event.seq_num), screen_line(event.type));
}

std::string context_text(const RestoredContext& context) {
  std::string text = fmt::format("Context {} at snapshot #{:03}: {}, ~{} tokens\n",
                                 raw(context.ctx_id), raw(context.snapshot),
                                 plural(context.messages.size(), "message"), context.tokens);
  if (!context.version1 && !context.system_prompt.empty())
    text += fmt::format("\n[system]\n{}\n", screen_text(context.system_prompt));
  for (std::size_t i = 0; i < context.messages.size(); ++i) {
    const Message& message = context.messages[i];
    text += fmt::format("\n{}. [{}]", i + 1, screen_line(message.role));
    if (!message.name.empty()) text += " " + screen_line(message.name);
    if (message.turn != 0) text += fmt::format(" (turn {})", message.turn);
    text += fmt::format("\n{}\n", screen_text(message_body(message)));
  }
  return text;
}

}  // namespace agdb

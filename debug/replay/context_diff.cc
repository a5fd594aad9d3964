#include "debug/replay/context_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "debug/replay/screen_text.h"
#include "debug/replay/snapshot_finder.h"
#include "runtime/events/hash.h"

namespace agdb {

namespace {

Result<RestoredContext> context_for_diff(const Recording& recording, ContextPlace place) {
  if (!recording.has_snapshots()) {
    return fail(Code::kNotFound, "no context snapshots available in this recording");
  }
  Result<RestoredContext> context = recording.context_at(place.seq, place.ctx);
  if (context) return context;
  Error error = std::move(context).error();
  // The finder knows where the first snapshot is.
  const Result<SeqNum> snapshot = nearest_snapshot(recording, place.seq, place.ctx);
  if (!snapshot && error.hint.empty()) error.hint = snapshot.error().hint;
  error.message.insert(0, "diff: ");
  return std::unexpected(std::move(error));
}

std::string record_name(const Recording& recording) {
  return recording.metadata().record_id;
}

Result<RestoredContext> context_of(const Recording& recording, ContextPlace place) {
  Result<RestoredContext> context = context_for_diff(recording, place);
  if (!context) {
    context.error().message.insert(0, fmt::format("recording {}: ", record_name(recording)));
  }
  return context;
}

std::string hash_of_prompt(const std::string& prompt) {
  return prompt.empty() ? std::string() : prompt_hash(prompt);
}

PromptDiff diff_prompts(const std::string& from, const std::string& to) {
  PromptDiff diff{
      .changed = from != to, .from_hash = hash_of_prompt(from), .to_hash = hash_of_prompt(to)};
  if (diff.changed) diff.lines = diff_lines(from, to);
  return diff;
}

// A context of version 1 as one of version 2: its prompt is not also a message.
std::vector<Message> without_prompt(const RestoredContext& context) {
  std::vector<Message> messages = context.messages;
  if (!context.version1) return messages;
  const auto prompt = std::find_if(messages.begin(), messages.end(),
                                   [](const Message& m) { return m.role == "system"; });
  if (prompt != messages.end()) messages.erase(prompt);
  return messages;
}

// A file may claim any number of tokens: the difference stops at the ends of its type.
TokenDelta token_delta(std::int64_t from, std::int64_t to) {
  TokenDelta tokens{.from_tokens = from, .to_tokens = to};
  if (__builtin_sub_overflow(to, from, &tokens.delta)) {
    tokens.delta = to > from ? std::numeric_limits<std::int64_t>::max()
                             : std::numeric_limits<std::int64_t>::min();
  }
  return tokens;
}

double seconds(Nanoseconds time) {
  return static_cast<double>(time.count()) / 1e9;
}

std::string header_text(const ContextDiff& diff) {
  std::string text =
      fmt::format("Context Diff: #{:03} → #{:03} (+{:.1f}s → +{:.1f}s)\n", raw(diff.from_seq_num),
                  raw(diff.to_seq_num), seconds(diff.from_timestamp), seconds(diff.to_timestamp));
  for (int i = 0; i < 37; ++i) text += "─";
  text += '\n';
  if (!diff.from_record_id.empty() || !diff.to_record_id.empty()) {
    text += fmt::format("Recordings: {} → {}\n", screen_line(diff.from_record_id),
                        screen_line(diff.to_record_id));
  }
  for (const SeqNum gap : {diff.from_gap, diff.to_gap}) {
    if (raw(gap) == 0) continue;
    text += fmt::format("Events were lost at #{:03}: the context there is not known for sure\n",
                        raw(gap));
  }
  return text;
}

// `width` holds for the whole line.
std::string cut(std::string_view lead, std::string_view text, std::size_t width) {
  const std::size_t room =
      width == 0 ? 0 : std::max<std::size_t>(width, lead.size() + 1) - lead.size();
  return fmt::format("{}{}\n", lead, screen_line(text, room));
}

std::string lines_text(const std::vector<LineChange>& lines, std::size_t width) {
  std::string text;
  for (const LineChange& line : lines) {
    switch (line.kind) {
      case LineChange::Kind::kKept:
        text += cut("      ", line.text, width);
        break;
      case LineChange::Kind::kRemoved:
        text += cut("    - ", line.text, width);
        break;
      case LineChange::Kind::kAdded:
        text += cut("    + ", line.text, width);
        break;
      case LineChange::Kind::kSkipped:
        text +=
            fmt::format("      … {} equal line{}\n", line.skipped, line.skipped == 1 ? "" : "s");
        break;
    }
  }
  return text;
}

std::string changed_text(const ChangedMessage& changed, std::size_t width) {
  std::string text = cut("  ~ ", screen_message(changed.to), width);
  text += lines_text(changed.lines, width);
  if (!changed.fields.empty()) {
    text += fmt::format("      differs in {}\n", fmt::join(changed.fields, ", "));
  }
  return text;
}

std::string messages_text(const ContextDiff& diff, std::size_t width) {
  const MessagesDiff& messages = diff.messages;
  const auto delta =
      static_cast<std::int64_t>(messages.to_count) - static_cast<std::int64_t>(messages.from_count);
  std::string text =
      fmt::format("Messages: {} → {} ({:+})\n", messages.from_count, messages.to_count, delta);
  const auto list = [&](std::string_view lead, const std::vector<DiffMessage>& only) {
    for (const DiffMessage& item : only) {
      // Version 1 shows its texts as they are, over several lines if need be, as the reference
      // does.
      text += diff.version1 ? fmt::format("{}{}\n", lead, screen_text(item.text))
                            : cut(lead, screen_message(item.message), width);
    }
  };
  list("  + ", messages.added);
  list("  - ", messages.removed);
  for (const ChangedMessage& changed : messages.changed) text += changed_text(changed, width);
  return text;
}

Json texts_of(const std::vector<DiffMessage>& messages) {
  if (messages.empty()) return Json();
  Json list = Json::array();
  for (const DiffMessage& message : messages) list.push_back(message.text);
  return list;
}

Json indices_of(const std::vector<DiffMessage>& messages) {
  Json list = Json::array();
  for (const DiffMessage& message : messages) list.push_back(message.index);
  return list;
}

Json changed_json(const ChangedMessage& changed) {
  Json fields = Json::array();
  for (const std::string& field : changed.fields) fields.push_back(field);
  return Json::object({{"from_index", changed.from_index},
                       {"to_index", changed.to_index},
                       {"role", changed.to.role},
                       {"from", message_text(changed.from)},
                       {"to", message_text(changed.to)},
                       {"lines", to_json(changed.lines)},
                       {"fields", std::move(fields)}});
}

Json messages_json(const MessagesDiff& messages) {
  Json changed = Json::array();
  for (const ChangedMessage& message : messages.changed) changed.push_back(changed_json(message));
  return Json::object({{"added", texts_of(messages.added)},
                       {"removed", texts_of(messages.removed)},
                       {"from_count", messages.from_count},
                       {"to_count", messages.to_count},
                       {"added_at", indices_of(messages.added)},
                       {"removed_at", indices_of(messages.removed)},
                       {"changed", std::move(changed)}});
}

std::int64_t milliseconds(Nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

bool is_empty(const ContextDiff& diff) {
  return !diff.system_prompt.changed && diff.messages.added.empty() &&
         diff.messages.removed.empty() && diff.messages.changed.empty() &&
         diff.token_delta.delta == 0;
}

ContextDiff diff_contexts(const RestoredContext& from, const RestoredContext& to) {
  ContextDiff diff{.from_seq_num = from.snapshot,
                   .to_seq_num = to.snapshot,
                   .from_timestamp = from.timestamp,
                   .to_timestamp = to.timestamp,
                   .system_prompt = {},
                   .messages = {},
                   .token_delta = {},
                   .version1 = from.version1 && to.version1,
                   .from_ctx_id = from.ctx_id,
                   .to_ctx_id = to.ctx_id,
                   .from_gap = from.gap,
                   .to_gap = to.gap};
  if (diff.version1) {
    diff.messages = diff_by_prefix(from.texts, to.texts);
    return diff;
  }
  diff.system_prompt = diff_prompts(from.system_prompt, to.system_prompt);
  diff.messages = diff_by_subsequence(without_prompt(from), without_prompt(to));
  // Version 1 does not know how large a context was.
  if (!from.version1 && !to.version1) {
    diff.token_delta = token_delta(from.tokens, to.tokens);
  }
  return diff;
}

Result<ContextDiff> diff_contexts(const Recording& recording, ContextPlace from, ContextPlace to) {
  AGDB_TRY(const RestoredContext from_context, context_for_diff(recording, from));
  AGDB_TRY(const RestoredContext to_context, context_for_diff(recording, to));
  return diff_contexts(from_context, to_context);
}

Result<ContextDiff> diff_contexts(const Recording& from_recording, ContextPlace from,
                                  const Recording& to_recording, ContextPlace to) {
  AGDB_TRY(const RestoredContext from_context, context_of(from_recording, from));
  AGDB_TRY(const RestoredContext to_context, context_of(to_recording, to));
  ContextDiff diff = diff_contexts(from_context, to_context);
  diff.from_record_id = record_name(from_recording);
  diff.to_record_id = record_name(to_recording);
  return diff;
}

std::string diff_text(const ContextDiff& diff, const DiffTextOptions& options) {
  std::string text = header_text(diff);
  if (is_empty(diff)) return text + "No changes detected.\n";
  const PromptDiff& prompt = diff.system_prompt;
  text += prompt.changed
              ? fmt::format("System Prompt: changed ({} → {})\n", prompt.from_hash, prompt.to_hash)
              : fmt::format("System Prompt: unchanged (hash={})\n", prompt.from_hash);
  text += lines_text(prompt.lines, options.width);
  text += messages_text(diff, options.width);
  const TokenDelta& tokens = diff.token_delta;
  return text + fmt::format("Tokens: {} → {} ({:+})\n", tokens.from_tokens, tokens.to_tokens,
                            tokens.delta);
}

Json to_json(const ContextDiff& diff) {
  const PromptDiff& prompt = diff.system_prompt;
  Json json =
      Json::object({{"from_seq_num", raw(diff.from_seq_num)},
                    {"to_seq_num", raw(diff.to_seq_num)},
                    {"from_timestamp_ms", milliseconds(diff.from_timestamp)},
                    {"to_timestamp_ms", milliseconds(diff.to_timestamp)},
                    {"system_prompt", Json::object({{"changed", prompt.changed},
                                                    {"from_hash", prompt.from_hash},
                                                    {"to_hash", prompt.to_hash},
                                                    {"lines", to_json(prompt.lines)}})},
                    {"messages", messages_json(diff.messages)},
                    {"token_delta", Json::object({{"from_tokens", diff.token_delta.from_tokens},
                                                  {"to_tokens", diff.token_delta.to_tokens},
                                                  {"delta", diff.token_delta.delta}})},
                    {"from_timestamp_ns", diff.from_timestamp.count()},
                    {"to_timestamp_ns", diff.to_timestamp.count()}});
  if (raw(diff.from_ctx_id) != 0) json.set("from_ctx_id", raw(diff.from_ctx_id));
  if (raw(diff.to_ctx_id) != 0) json.set("to_ctx_id", raw(diff.to_ctx_id));
  if (raw(diff.from_gap) != 0) json.set("from_gap", raw(diff.from_gap));
  if (raw(diff.to_gap) != 0) json.set("to_gap", raw(diff.to_gap));
  if (!diff.from_record_id.empty()) json.set("from_record_id", diff.from_record_id);
  if (!diff.to_record_id.empty()) json.set("to_record_id", diff.to_record_id);
  return json;
}

}  // namespace agdb

#include <string>
#include <utility>
#include <vector>

#include "debug/replay/context_diff.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const Json& item : list.items()) texts.emplace_back(item.to_string().value_or(""));
  return texts;
}

std::vector<DiffMessage> only_messages(const Json& list) {
  std::vector<DiffMessage> messages;
  for (std::string& text : texts_of(list)) messages.push_back({0, std::move(text), {}});
  return messages;
}

RestoredContext context_of(const Json& texts) {
  RestoredContext context;
  context.version1 = true;
  context.texts = texts_of(texts);
  return context;
}

// A diff as the reference serialises it, with times in nanoseconds.
ContextDiff ready_diff(const Json& json) {
  const Json& prompt = json["system_prompt"];
  const Json& messages = json["messages"];
  const Json& tokens = json["token_delta"];
  ContextDiff diff{.from_seq_num = SeqNum{json["from_seq_num"].to_uint().value_or(0)},
                   .to_seq_num = SeqNum{json["to_seq_num"].to_uint().value_or(0)},
                   .from_timestamp = Nanoseconds(json.integer("from_timestamp")),
                   .to_timestamp = Nanoseconds(json.integer("to_timestamp")),
                   .system_prompt = {.changed = prompt.boolean("changed"),
                                     .from_hash = std::string(prompt.text("from_hash")),
                                     .to_hash = std::string(prompt.text("to_hash"))},
                   .messages = {.added = only_messages(messages["added"]),
                                .removed = only_messages(messages["removed"]),
                                .from_count = messages["from_count"].to_uint().value_or(0),
                                .to_count = messages["to_count"].to_uint().value_or(0)},
                   .token_delta = {tokens.integer("from_tokens"), tokens.integer("to_tokens"),
                                   tokens.integer("delta")}};
  diff.version1 = true;
  return diff;
}

// From two lists of messages, a recording and two numbers, or a ready diff.
Result<Result<ContextDiff>> diff_of(const Json& in, Recordings& recordings) {
  if (in["diff"].is_object()) return ready_diff(in["diff"]);
  if (in.find("recording") == nullptr) {
    return diff_contexts(context_of(in["from"]), context_of(in["to"]));
  }
  AGDB_TRY(const Result<Recording> recording, recordings.open(in));
  if (!recording) return Result<ContextDiff>(std::unexpected(recording.error()));
  return diff_contexts(*recording, {SeqNum{in["from"].to_uint().value_or(0)}},
                       {SeqNum{in["to"].to_uint().value_or(0)}});
}

Result<Json> context_diff_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<ContextDiff> diff, diff_of(in, recordings));
  if (!diff) return refused(diff.error());
  Json json = to_json(*diff);
  if (in["from"].is_array()) return json["messages"];
  json.set("from_timestamp", diff->from_timestamp.count());
  json.set("to_timestamp", diff->to_timestamp.count());
  return json;
}

Result<Json> diff_json_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<ContextDiff> diff, diff_of(in, recordings));
  return diff ? to_json(*diff) : refused(diff.error());
}

Result<Json> diff_text_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<ContextDiff> diff, diff_of(in, recordings));
  return diff ? Json(diff_text(*diff)) : refused(diff.error());
}

}  // namespace

void add_diff_ops(Ops& ops) {
  ops["context_diff"] = context_diff_op;
  ops["diff_json"] = diff_json_op;
  ops["diff_text"] = diff_text_op;
}

}  // namespace agdb::conformance

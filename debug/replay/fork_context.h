#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/ids.h"
#include "runtime/events/json.h"
#include "runtime/events/message.h"
#include "runtime/events/result.h"

namespace agdb {

// A context as it stood at a recorded event, to be edited and continued from. A value: edits act on
// this copy alone, never on the recording.
struct ForkContext {
  Pid original_pid{};
  SeqNum seq_num{};  // the event that was asked for, not the snapshot that it was restored from
  std::string intent;
  std::string system_prompt;
  std::vector<Message> messages;
  CtxId ctx_id{};              // 0 = version 1, which has one context without a number
  std::string record_id = {};  // the recording that it comes from; empty = none
  // Events were lost between the snapshot that it was restored from and seq_num, told by this gap
  // event: the context may have changed meanwhile. 0 = none were.
  SeqNum gap{};
  // Version 1 keeps the prompt as a message of the list. This is that message's index: it follows
  // the prompt's edits, and what is given to a model leaves it out, so that the prompt is not given
  // twice.
  std::optional<std::size_t> prompt_message = {};

  void set_system_prompt(std::string text);
  void append(std::string role, std::string content);
  void append(Message message);
  // Removes the last `count` messages; all of them when there are fewer. Negative counts are
  // refused.
  Status remove_last(std::int64_t count);
  // The last message's text becomes `content`; its role and its other fields stay. Returns whether
  // there was one.
  bool replace_last(std::string content);

  bool operator==(const ForkContext&) const = default;
};

// The messages that follow the system prompt when a model is asked.
std::vector<Message> messages_without_prompt(const ForkContext& fork);

// What the reference tells of a fork context, in its words: six lines, each with its line feed; a
// further one when events were lost.
std::string summary_text(const ForkContext& fork);

// {"original_pid","seq_num","intent","system_prompt","messages":[…]} and, where known, "ctx_id",
// "forked_from":{"record_id","seq_num"} and "gap".
Json to_json(const ForkContext& fork);

// The message array that chat completion APIs take:
// [{"role":"system","content":…}, …,
// {"role":"assistant","content":…,"tool_calls":[{"id","type":"function",
// "function":{"name","arguments":"<JSON as text>"}}]},
// {"role":"tool","tool_call_id",…,"content":…}]
Json to_chat_messages(const ForkContext& fork);

// What a person edits: {"system_prompt":…,"messages":[{"role","content","name","tool_call_id",
// "tool_calls":[{"id","name","arguments"}],"turn"}]}, indented; texts that are not UTF-8 carry
// their exact bytes beside them.
std::string to_editable_text(const ForkContext& fork);
// Reads such a text back into the fork. Errors name the line and column, or the place in the
// document
// ("messages[3].role"); keys that it does not know are errors too, since they are most likely
// misspelt. On an error nothing has changed.
Status apply_edited_text(ForkContext& fork, std::string_view text);

}  // namespace agdb

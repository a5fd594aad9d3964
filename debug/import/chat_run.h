#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "debug/import/chat_message.h"
#include "debug/import/import_tally.h"
#include "debug/import/session.h"

namespace agdb {

// What the log tells of a run beside its messages. Empty = it does not.
struct ChatRunFacts {
  std::string name;
  std::string intent;  // empty: the first thing that the user says
  std::string model;
  std::optional<std::string> system_prompt;  // used when the messages hold none
  std::string
      exit_reason;  // empty: "completed", or "log ended" where calls are left without a result
  bool errors_by_text = false;  // a tool result that begins with "Error" failed (tau-bench)
};

// Makes a run of the messages of one conversation, given in order.
//
// An assistant message is an answer of the model, with one exception: text that stands before
// anything that the user says, with neither usage nor the provider's answer beside it, is a
// greeting that was written by hand, and part of the context that the agent was born with.
//
// What the user's side does with tools of its own (tau2-bench) never reaches the agent: it is
// counted and left out.
class ChatRunBuilder {
 public:
  ChatRunBuilder(ChatRunFacts facts, ImportTally& tally);

  // Messages that were there already when the first call of this run was made.
  void add_context(std::vector<ChatMessage> messages);
  // Messages of the run itself.
  void add(std::vector<ChatMessage> messages);
  // The answer of one model call that the log tells more of than a message does. `began` and
  // `ended` are used as given. A text in `error` = the call failed for good.
  void add_answer(ChatMessage message, std::optional<WallTime> began, std::optional<WallTime> ended,
                  std::string error = {});
  SessionRun finish();

 private:
  // A call without a result so far. Calls are found by id, by name or at all, and leave all three
  // lists when they are closed: `closed` makes the entries in the other two void.
  struct OpenCall {
    std::size_t item = 0;
    std::size_t call = 0;
    bool closed = false;
  };
  // The calls of one answer that have something in common, in order.
  struct CallGroup {
    std::size_t item = 0;
    std::vector<std::size_t> calls;  // indices in calls_
    std::size_t next = 0;
  };
  using CallStack = std::vector<CallGroup>;

  bool user_side(const ChatMessage& message);
  void add_message(ChatMessage message, bool may_be_greeting);
  void add_edit(ChatMessage message);
  void add_result(ChatMessage message);
  void open_call(CallStack& stack, std::size_t item, std::size_t index);
  OpenCall* nearest_open(CallStack& stack);
  OpenCall* call_of(const ChatMessage& result);
  void note_time(const ChatMessage& message);

  ChatRunFacts facts_;
  ImportTally* tally_;
  SessionRun run_;
  SessionProcess process_;
  std::string first_words_;  // of the user
  std::optional<WallTime> last_time_;
  bool has_times_ = false;
  std::size_t last_answer_ = 0;  // its item
  std::size_t open_calls_of_last_answer_ = 0;
  std::vector<OpenCall> calls_;
  std::unordered_map<std::string, CallStack> by_id_;
  std::unordered_map<std::string, CallStack> by_name_;
  CallStack all_;
};

}  // namespace agdb

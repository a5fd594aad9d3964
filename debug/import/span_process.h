#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "debug/import/span_context.h"
#include "debug/import/span_facts.h"
#include "debug/import/span_messages.h"

namespace agdb {

// One agent of a trace, put together from its model calls and tool calls: which call an answer
// asked for, what changed in the context between the answers, in which order all of it was.
//
// Add all model calls, in the order of their starts, before any use of a tool.
class SpanProcess {
 public:
  struct ModelCall {
    const ForeignSpan* span = nullptr;
    SpanFacts facts;
    SpanMessages messages;
    std::vector<SessionFailure> failures;
  };
  // A call of a tool, or of a sub-agent.
  struct ToolUse {
    const ForeignSpan* span = nullptr;
    SpanFacts facts;
    std::optional<std::size_t> child;  // the process that it ran
    // The model call behind which it ran, where that is told; mostly the one that asked for it.
    const ForeignSpan* behind = nullptr;
  };

  SpanProcess(SessionProcess process, ImportTally& tally)
      : process_(std::move(process)), tally_(&tally) {}

  void add(ModelCall call);
  // False: there is no answer that can have asked for it.
  bool add(ToolUse use);
  // A sub-agent is begun: the call of it, by its process; its result may come later.
  bool begin_child(std::size_t child, const ForeignSpan& spawn);
  // `behind` as in ToolUse.
  void end_child(std::size_t child, const ForeignSpan& wait, const ForeignSpan* behind);

  // A person's message came at that moment. In order.
  void add_users_time(WallTime time) { users_times_.push_back(time); }

  // The children's spawn points are in `spawns`.
  SessionProcess finish();
  std::map<std::size_t, SessionProcess::SpawnPoint> spawns;

 private:
  struct Answer {
    ModelCall call;
    SessionAnswer answer;
    std::vector<bool> taken;  // by tool call: its use is known
    std::size_t item = 0;
  };
  struct Result {
    std::size_t answer = 0;
    std::size_t call = 0;
    SessionToolResult result;
    std::optional<std::size_t> after;  // the answer behind which it is known to stand
  };
  struct CallPlace {
    std::size_t answer = 0;
    std::size_t call = 0;
  };

  std::optional<std::size_t> answer_before(const ForeignSpan& span) const;
  bool taken(const CallPlace& place) const { return answers_[place.answer].taken[place.call]; }
  std::optional<CallPlace> open_call(const std::string& id, std::string_view tool,
                                     std::size_t newest) const;
  std::optional<std::size_t> known_answer(const ForeignSpan* call) const;
  std::optional<CallPlace> place_of(const ToolUse& use);
  std::size_t slot_of(const Result& result) const;
  CallPlace append_call(std::size_t answer, ToolCall call);
  void order_results();
  const std::string& id_of(const Result& result) const;
  void order_as_given(std::size_t end,
                      const std::unordered_map<std::string_view, std::size_t>& places);
  std::optional<WallTime> next_users_time();
  void emit_results(std::size_t before, const std::vector<ChatMessage>* input);
  void emit_result(Result& result);
  void emit_answer(Answer& answer);
  void catch_up(const Answer& answer);
  void add_outside(ChatMessage message);
  void describe();

  SessionProcess process_;
  ImportTally* tally_;
  std::vector<Answer> answers_;
  std::vector<Result> results_;
  std::vector<std::pair<std::size_t, std::size_t>> slots_;  // of results_: before which answer
  std::size_t next_slot_ = 0;
  std::map<std::size_t, CallPlace> children_;
  std::unordered_map<std::string, std::vector<CallPlace>> by_id_;  // in order
  std::unordered_map<const ForeignSpan*, std::size_t> by_span_;
  std::size_t emitted_ = 0;  // answers
  std::vector<WallTime> users_times_;
  std::size_t next_users_time_ = 0;
  SpanContext context_;
  std::string first_words_;
};

// One line, at most 200 characters.
std::string one_line_of(std::string_view text);

}  // namespace agdb

#include "runtime/events/script.h"

#include <algorithm>

namespace agdb {
namespace {

using Context = std::vector<MessagePtr>;

bool is_answer(const Message& message) {
  return message.role == "assistant";
}

bool is_tool_result(const Message& message) {
  return message.role == "tool";
}

std::size_t count_answers(const Context& context) {
  return static_cast<std::size_t>(
      std::count_if(context.begin(), context.end(), [](const auto& m) { return is_answer(*m); }));
}

std::size_t count_answers(const std::vector<Message>& messages) {
  return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), is_answer));
}

bool is_same_but_for_turn(const Message& a, const Message& b) {
  return a.role == b.role && a.content == b.content && a.name == b.name &&
         a.tool_call_id == b.tool_call_id && a.tool_calls == b.tool_calls;
}

// What comes from outside; edits may put other roles into a context, but then they are not told
// apart from what the agent did itself.
bool is_from_outside(const Message& message) {
  return !is_answer(message) && !is_tool_result(message);
}

std::size_t count_from_outside(const std::vector<Message>& messages) {
  return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), is_from_outside));
}

// Finds how many of a turn's edits a context has. What they put there carries `turn`, that of the
// answer before them; 0 before the first answer.
class EditCounter {
 public:
  // `born` messages stood there before any edit.
  EditCounter(const std::vector<ContextEdit>& edits, const Context& context, std::uint64_t turn,
              std::size_t born)
      : edits_(edits), context_(context), turn_(turn), born_(born), end_(context.size()) {
    // Without the turn, the end was added by hand. Tool results may carry it or not.
    while (end_ > 0 && is_from_outside(at(end_ - 1)) && at(end_ - 1).turn != turn_) --end_;
  }

  std::size_t count() const {
    for (std::size_t done = edits_.size(); done > 0; --done) {
      const bool is_prompt = edits_[done - 1].kind == ContextEdit::Kind::kSetPrompt;
      if (!is_prompt && stands_after(done)) return done;
    }
    return count_by_number();
  }

 private:
  const Message& at(std::size_t index) const { return *context_[index]; }

  // Whether the context ends as the first `done` edits leave it.
  bool stands_after(std::size_t done) const {
    std::size_t end = end_;
    for (std::size_t i = done; i-- > 0;) {
      const ContextEdit& edit = edits_[i];
      if (!stands_before(end, edit.messages)) return false;
      end -= edit.messages.size();
      // Where a compaction has cut, nothing tells of the edits before it.
      if (edit.kind == ContextEdit::Kind::kCompact && end >= edit.keep)
        return end == edit.keep && end <= longest_after(i);
    }
    return end >= born_;
  }

  bool stands_before(std::size_t end, const std::vector<Message>& messages) const {
    if (messages.size() > end) return false;
    const std::size_t begin = end - messages.size();
    for (std::size_t i = messages.size(); i-- > 0;) {
      const Message& message = at(begin + i);
      if (message.turn != turn_ || !is_same_but_for_turn(message, messages[i])) return false;
    }
    return true;
  }

  // How long the context can be at most after the first `done` edits: a compaction among them
  // tells.
  std::uint64_t longest_after(std::size_t done) const {
    std::uint64_t added = 0;
    for (std::size_t i = done; i-- > 0;) {
      added += edits_[i].messages.size();
      if (edits_[i].kind == ContextEdit::Kind::kCompact)
        return edits_[i].keep + std::min(added, ~edits_[i].keep);
    }
    return ~std::uint64_t{0};
  }

  // Behind the last answer of the turn; nothing when it is not there any more.
  std::optional<std::size_t> behind_answer() const {
    for (std::size_t i = end_; i > born_; --i)
      if (is_answer(at(i - 1)) && at(i - 1).turn == turn_) return i;
    if (turn_ == 0) return std::min(born_, end_);
    return std::nullopt;
  }

  // For a context that was edited by hand: each message from outside behind the answer stands for
  // one of the edits' messages, whatever it says.
  std::size_t count_by_number() const {
    const std::optional<std::size_t> answer = behind_answer();
    std::size_t found = 0;
    for (std::size_t i = answer.value_or(0); i < end_; ++i)
      if (is_from_outside(at(i)) && at(i).turn == turn_) ++found;
    std::size_t next = answer ? 0 : behind_first_compaction();
    if (next > 0) found -= std::min(found, count_from_outside(edits_[next - 1].messages));
    std::size_t done = next;
    for (; next < edits_.size() && found > 0; ++next) {
      const ContextEdit& edit = edits_[next];
      const std::size_t needed = count_from_outside(edit.messages);
      const bool would_cut = edit.kind == ContextEdit::Kind::kCompact && edit.keep < answer;
      if (needed > found || would_cut) break;
      found -= needed;
      if (needed > 0) done = next + 1;
    }
    return done;
  }

  // Where the answer is gone, a compaction has taken it. 0 = there is none.
  std::size_t behind_first_compaction() const {
    for (std::size_t i = 0; i < edits_.size(); ++i)
      if (edits_[i].kind == ContextEdit::Kind::kCompact) return i + 1;
    return 0;
  }

  const std::vector<ContextEdit>& edits_;
  const Context& context_;
  const std::uint64_t turn_;
  const std::size_t born_;
  std::size_t end_;
};

std::uint64_t last_turn(const Context& context) {
  const auto last =
      std::find_if(context.rbegin(), context.rend(), [](const auto& m) { return m->turn != 0; });
  return last == context.rend() ? 0 : (*last)->turn;
}

// The turn that follows `turn`; 0 when there is none.
std::uint64_t turn_after(const ScriptAgent& agent, const Context& context, std::uint64_t turn) {
  std::uint64_t next = 0;
  if (turn == 0) {
    const std::size_t born = count_answers(agent.messages);
    next = count_answers(context) - std::min(count_answers(context), born) + 1;
  } else if (turn <= agent.turns.size()) {
    next = agent.turns[turn - 1].next;
    if (next == 0) next = turn + 1;
  }
  return next <= agent.turns.size() ? next : 0;
}

}  // namespace

const ScriptAgent* Script::agent(std::string_view name) const {
  const auto found = agents.find(std::string(name));
  return found == agents.end() ? nullptr : &found->second;
}

Script reachable_from(const Script& script, std::string_view main) {
  Script reachable;
  reachable.main = main;
  std::vector<std::string> waiting{reachable.main};
  const auto add_spawned = [&waiting](const ScriptAnswer& answer) {
    for (const ScriptCall& call : answer.calls)
      if (const auto* spawn = std::get_if<ScriptSpawn>(&call.action))
        waiting.push_back(spawn->agent);
  };
  while (!waiting.empty()) {
    const std::string name = std::move(waiting.back());
    waiting.pop_back();
    const ScriptAgent* agent = script.agent(name);
    if (agent == nullptr || !reachable.agents.try_emplace(name, *agent).second) continue;
    for (const ScriptTurn& turn : agent->turns) {
      add_spawned(turn.answer);
      for (const ScriptAlternative& alternative : turn.alternatives)
        add_spawned(alternative.answer);
    }
  }
  return reachable;
}

ScriptPlace place_in(const ScriptAgent& agent, const std::vector<MessagePtr>& context) {
  const std::uint64_t turn = last_turn(context);
  const std::uint64_t next = turn_after(agent, context, turn);
  const std::size_t born = turn == 0 ? agent.messages.size() : 0;
  const std::vector<ContextEdit>& edits = next == 0 ? agent.closing : agent.turns[next - 1].before;
  return {next, EditCounter(edits, context, turn, born).count()};
}

}  // namespace agdb

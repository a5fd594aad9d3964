#include "tools/agdb/fork_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "runtime/events/script.h"
#include "tools/agdb/plural.h"

namespace agdb {
namespace {

bool reacts_to_edits(const ScriptAgent& agent, std::uint64_t from) {
  for (std::uint64_t turn = from; turn != 0 && turn <= agent.turns.size(); ++turn)
    if (!agent.turns[turn - 1].alternatives.empty()) return true;
  return false;
}

// Who will answer, in words: the person has to know that nobody thinks anew.
std::string who_answers(const ScriptAgent& agent, const std::vector<MessagePtr>& context) {
  const std::uint64_t next = place_in(agent, context).next_turn;
  if (next == 0)
    return "the script has no answer for this place: the run will end with script_exhausted";
  std::string text =
      fmt::format("the recorded script answers, from turn {} of {} on", next, agent.turns.size());
  return text + (reacts_to_edits(agent, next)
                     ? "; where it has alternatives, the last message chooses"
                     : "; played-back answers do not react to what was edited");
}

constexpr std::array<std::string_view, 4> kRoles = {"system", "user", "assistant", "tool"};

}  // namespace

Status check_role(std::string_view role) {
  if (std::ranges::find(kRoles, role) != kRoles.end()) return {};
  return fail(Code::kInvalid, fmt::format("no such role: \"{}\"", role),
              fmt::format("a message's role is {}", fmt::join(kRoles, ", ")));
}

void note_open_calls(const ForkContext& fork, Console& console) {
  std::vector<const ToolCall*> open;
  for (const Message& message : fork.messages) {
    for (const ToolCall& call : message.tool_calls) open.push_back(&call);
    const auto answered = std::ranges::find_if(open, [&](const ToolCall* call) {
      return message.role == "tool" && call->id == message.tool_call_id;
    });
    if (answered != open.end()) open.erase(answered);
  }
  if (open.empty()) return;
  std::string names;
  for (const ToolCall* call : open) names += (names.empty() ? "" : ", ") + call->name;
  console.note(fmt::format(
      "{} no result here: {}; a run makes such calls first when they stand at the end, a "
      "model's API refuses them",
      plural(open.size(), "tool call has", "tool calls have"), names));
}

Result<RunOutcome> run_fork(const Recording& recording, const ForkContext& fork,
                            const RunOptions& options, Environment& env) {
  const std::string path = recording.folder() + "/script.json";
  if (!std::filesystem::exists(path))
    return fail(Code::kNotFound,
                fmt::format("recording {} has no script, so nobody can answer",
                            recording.metadata().record_id),
                "leave out --run and give the printed context to a model");
  RunRoot root;
  AGDB_TRY(root.script, load_script(path, nullptr));
  root.intent = fork.intent;
  root.source = recording.metadata().source;
  RestoredState state;
  state.system_prompt = fork.system_prompt;
  for (Message& message : messages_without_prompt(fork))
    state.messages.push_back(std::make_shared<const Message>(std::move(message)));
  state.forked_from = ForkOrigin{
      fork.record_id.empty() ? recording.metadata().record_id : fork.record_id, fork.seq_num};
  const ScriptAgent* agent = root.script->agent(root.script->main);
  if (agent != nullptr) env.console->note("who answers: " + who_answers(*agent, state.messages));
  root.restored = std::move(state);
  std::vector<RunRoot> roots;
  roots.push_back(std::move(root));
  return run_agents(std::move(roots), options, env);
}

}  // namespace agdb

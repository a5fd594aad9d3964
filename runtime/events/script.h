#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/events/clock.h"
#include "runtime/events/json.h"
#include "runtime/events/message.h"

namespace agdb {

// An agent script: what the simulated model answers and the simulated tools return. The JSON form
// is documented, with examples, in fixtures/README.md; an importer makes one from a real session.
//
// Time spans are text in JSON ("850ms"), Nanoseconds here. Turns count from 1. The place in a
// script follows from a context alone (place_in), so that a restored context goes on at the right
// turn.

// Tokens as a provider would report them; request includes cached input. All >= 0.
struct ScriptUsage {
  std::int64_t request_tokens = 0;
  std::int64_t response_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_creation_tokens = 0;
  std::optional<double> cost_usd;

  bool operator==(const ScriptUsage&) const = default;
};

// What a tool call does when it is executed. Each is one JSON key of the call.

// "result": "text" or "error": "text": the tool answers so. With neither, the agent's `tools` table
// is asked (ScriptTool).
struct ScriptResult {
  std::optional<std::string> text;
  std::string error;
  bool operator==(const ScriptResult&) const = default;
};
// "spawn": "agent name": a child process of that agent. The call's intent is its arguments'
// "intent", "description" or "prompt", else the agent's. The parent waits and gets `text`, or else
// the child's last answer; with "background": true it goes on at once.
struct ScriptSpawn {
  std::string agent;
  bool background = false;
  std::optional<std::string> text;
  std::string error;  // the spawn fails with this
  bool operator==(const ScriptSpawn&) const = default;
};
// "wait": "call id": waits for the child that the call of that id spawned.
struct ScriptWait {
  std::string child;
  bool operator==(const ScriptWait&) const = default;
};
// "send": {"to": "parent" | call id of a spawn | pid, "message": "text"}
struct ScriptSend {
  std::string to;
  std::string message;
  bool operator==(const ScriptSend&) const = default;
};
// "recv": {"timeout": "5s"}: waits for a message; no timeout = for ever.
struct ScriptRecv {
  std::optional<Nanoseconds> timeout;
  bool operator==(const ScriptRecv&) const = default;
};
// "signal": {"to": …, "signal": "terminate" | "kill" | "pause" | "resume"}
struct ScriptSignal {
  std::string to;
  std::string signal;
  bool operator==(const ScriptSignal&) const = default;
};
// "device": "/dev/fs/notes.md": opens that device, writes `data` to it or (without) reads all of
// it.
struct ScriptDevice {
  std::string path;
  std::optional<std::string> data;
  bool operator==(const ScriptDevice&) const = default;
};
// "interrupted": true: the call is made and cut off; no result of it enters the context. Logs end
// with such calls, and people interrupt them.
struct ScriptInterrupted {
  bool operator==(const ScriptInterrupted&) const = default;
};
using ScriptAction = std::variant<ScriptResult, ScriptSpawn, ScriptWait, ScriptSend, ScriptRecv,
                                  ScriptSignal, ScriptDevice, ScriptInterrupted>;

struct ScriptCall {
  // As the model asked. An empty id in JSON becomes "call_<turn>_<index>", both from 1, with "_<n>"
  // behind it in the turn's n-th alternative. Missing arguments are {}.
  ToolCall call;
  ScriptAction action;
  Nanoseconds latency{0};  // of the tool; a spawn's is its child's

  bool operator==(const ScriptCall&) const = default;
};

// An attempt that failed before the answer came: the error, and how long until the next attempt
// began.
struct ScriptFailure {
  std::string error;
  Nanoseconds after{0};
  bool operator==(const ScriptFailure&) const = default;
};

struct ScriptAnswer {
  std::string text;
  std::string thinking;  // shown as a DriverThinking event, not part of the context
  std::vector<ScriptCall> calls;
  std::optional<ScriptUsage> usage;  // absent: estimated from the context and the answer
  std::string model;                 // empty: the agent's
  std::string stop_reason;
  // The whole call of the last attempt takes `latency` (to the last token); set-up and first token
  // lie within it: setup <= first_token <= latency, 0 = not told.
  Nanoseconds latency{0};
  Nanoseconds setup{0};
  Nanoseconds first_token{0};
  std::vector<ScriptFailure> failures;
  std::string error;  // not empty: the call fails for good, and the agent with it

  bool operator==(const ScriptAnswer&) const = default;
};

// What happens to the context before a turn, from outside: the user speaks, the context is
// compacted.
struct ContextEdit {
  enum class Kind {
    kAppend,     // {"append": message}
    kCompact,    // {"compact": {"keep": N, "messages": [message…]}}: only the first N stay, then
                 // these
    kSetPrompt,  // {"set_prompt": "text"}
  };
  Kind kind = Kind::kAppend;
  std::uint64_t keep = 0;
  std::vector<Message> messages;  // exactly one for kAppend
  std::string prompt;
  Nanoseconds delay{0};  // how long the outside takes before it; "delay" in JSON

  bool operator==(const ContextEdit&) const = default;
};

struct ScriptAlternative {
  std::string when;  // RE2, unanchored, on the content of the context's last message
  ScriptAnswer answer;
  bool operator==(const ScriptAlternative&) const = default;
};

struct ScriptTurn {
  std::vector<ContextEdit> before;
  ScriptAnswer answer;
  // The first alternative whose pattern matches answers in place of `answer`.
  std::vector<ScriptAlternative> alternatives;
  std::uint64_t next = 0;  // the turn that follows; 0 = the next in the list

  bool operator==(const ScriptTurn&) const = default;
};

// A scripted tool: the first rule whose pattern matches the call's arguments (compact JSON)
// answers.
struct ScriptToolRule {
  std::string when;  // RE2, unanchored; empty matches all
  ScriptResult result;
  Nanoseconds latency{0};
  bool operator==(const ScriptToolRule&) const = default;
};

struct ScriptAgent {
  std::string intent;
  std::string provider = "scripted";
  std::string model = "scripted-model";
  std::string system_prompt;
  std::vector<Message> messages;  // the context at birth, without the prompt
  std::int64_t budget = 0;        // tokens in all; 0 = no limit
  std::int64_t max_steps = 0;     // 0 = the runtime's default
  std::vector<ScriptTurn> turns;
  // What comes from outside behind the last turn, and nobody answers any more: a farewell.
  std::vector<ContextEdit> closing;
  std::map<std::string, std::vector<ScriptToolRule>> tools;

  bool operator==(const ScriptAgent&) const = default;
};

struct Script {
  std::string main = "main";  // the agent that starts
  std::map<std::string, ScriptAgent> agents;

  const ScriptAgent* agent(std::string_view name) const;
  bool operator==(const Script&) const = default;
};

// Reads and checks a script: shape, known keys only, patterns that compile, names that exist, next
// turns that exist. An error says line and column: "tasks.json:12:7: turns[3].usage.request:
// expected an integer, got a string". `name` is how the error calls the file. Any thread.
Result<Script> parse_script(std::string_view text, std::string_view name);
// The script as JSON text that parse_script reads back to an equal script. Deterministic. Texts
// that are not UTF-8 come back too, except names of agents and tools and what stands in arrays of
// arguments; in arguments, doubles without a fraction come back as integers. REQUIRES: what
// parse_script checks.
std::string script_to_json(const Script& script);
// Only the agents that `main` can reach, with `main` as the one that starts.
Script reachable_from(const Script& script, std::string_view main);

// Where a context stands in an agent's script.
struct ScriptPlace {
  // The turn that answers next, from 1; 0 when there is none any more.
  std::uint64_t next_turn = 1;
  // How many of that turn's `before` edits (of the agent's `closing` ones, when there is no next
  // turn), from the first on, the context already has.
  std::size_t edits_done = 0;

  bool operator==(const ScriptPlace&) const = default;
};

// The place that a context stands at. The last message that carries a turn tells which turn was
// played last (an answer carries its own; what came from outside behind an answer carries that
// answer's); where none does, it is the number of assistant messages beyond those of
// agent.messages. This survives compaction and edits by hand.
//
// Of the next turn's edits, those are done whose messages stand where they would put them, carrying
// that last turn. For the first turn no message carries one; there, what stands behind
// agent.messages counts. A new prompt leaves no message: it is done when a later edit is, else it
// is made again, which changes nothing. In a context that was edited by hand, so that no edit's
// messages stand there unchanged, each message behind the last answer that carries its turn (and is
// no answer or tool result) stands for one of the edits' messages: a user's message that was
// rewritten is not said a second time, one that was removed is.
//
// Not told apart: two moments of a run that leave the same context, say a compaction in a loop that
// brings back what was there a round before. The place is then that of the later edit.
ScriptPlace place_in(const ScriptAgent& agent, const std::vector<MessagePtr>& context);

}  // namespace agdb

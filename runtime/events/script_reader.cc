#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "runtime/events/json_position.h"
#include "runtime/events/script.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::int64_t kVersion = 1;

// More tokens than any model reads, and so few that sums of them cannot overflow within a run.
constexpr std::int64_t kMostTokens = 1'000'000'000'000;

// Arguments from a session log may be nested as deeply as parse_json allows, and stand some levels
// down in the script.
constexpr int kMaxDepth = ParseOptions{}.max_depth + 16;

constexpr std::array<std::string_view, 4> kSignals = {"terminate", "kill", "pause", "resume"};

// The keys of a call that say what it does.
constexpr std::array<std::string_view, 7> kActions = {"spawn",  "wait",   "send",       "recv",
                                                      "signal", "device", "interrupted"};

constexpr const char* kHint = "fixtures/README.md describes agent scripts";

// A value of the document and how it was reached. Lives on the stack of the functions that read it.
struct Node {
  const Json& json;
  const Node* parent = nullptr;
  JsonStep step = {};  // from the parent
};

using Path = std::vector<JsonStep>;

Path path_of(const Node& node) {
  Path path;
  for (const Node* at = &node; at->parent != nullptr; at = at->parent) path.push_back(at->step);
  return {path.rbegin(), path.rend()};
}

std::string quoted(std::string_view text) {
  std::string out;
  dump_string_to(out, truncate(text, 60));
  return out;
}

// What a value is, as an error says it: its type, or a number itself.
std::string described(const Json& json) {
  switch (json.type()) {
    case Json::Type::kNull:
      return "null";
    case Json::Type::kBool:
      return *json.to_bool() ? "true" : "false";
    case Json::Type::kString:
      return "a string";
    case Json::Type::kArray:
      return "an array";
    case Json::Type::kObject:
      return "an object";
    default:
      return dump(json);
  }
}

// Numbers as their shortest text reads: 1.0 is 1, so that a script that is written and read stays
// equal. The depth is bounded by the parser.
void settle_numbers(Json& json) {
  if (json.type() == Json::Type::kDouble) {
    if (Result<Json> again = parse_json(dump(json))) json = *std::move(again);
  } else if (json.is_array()) {
    for (Json& item : json.items()) settle_numbers(item);
  } else if (json.is_object()) {
    for (Json::Member& member : json.members()) settle_numbers(member.value);
  }
}

bool is_pid(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Reads one document. A read() for each type takes what stands at a node; object() gives each
// member to the read() of its key.
class ScriptReader {
 public:
  ScriptReader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Result<Script> script();

 private:
  using Reading = std::function<Status(const Node&)>;
  struct Key {
    std::string_view name;
    Reading reading;
    bool is_required = false;
  };
  using Keys = std::vector<Key>;
  enum class At { kValue, kKey };

  template <typename T>
  Reading into(T& out) {
    return [this, &out](const Node& node) { return read(node, out); };
  }
  Reading into_tokens(std::int64_t& out);
  Reading into_pattern(std::string& out);
  Reading into_error(std::string& out);
  Reading into_agent_name(std::string& out);
  Reading into_target(std::string& out);
  Reading into_child(std::string& out);

  Status object(const Node& node, const Keys& keys);
  Status member(const Node& node, const Keys& keys, std::vector<bool>& seen);

  Status read(const Node& node, std::string& out);
  Status read(const Node& node, bool& out);
  Status read(const Node& node, std::int64_t& out);
  Status read(const Node& node, std::uint64_t& out);
  Status read(const Node& node, double& out);
  Status read(const Node& node, Nanoseconds& out);
  Status read(const Node& node, Json& out);
  Status read(const Node& node, ToolCall& out);
  Status read(const Node& node, Message& out);
  Status read(const Node& node, ScriptUsage& out);
  Status read(const Node& node, ScriptFailure& out);
  Status read(const Node& node, ScriptSend& out);
  Status read(const Node& node, ScriptRecv& out);
  Status read(const Node& node, ScriptSignal& out);
  Status read(const Node& node, ScriptCall& out);
  Status read(const Node& node, ScriptAlternative& out);
  Status read(const Node& node, ContextEdit& out);
  Status read(const Node& node, ScriptTurn& out);
  Status read(const Node& node, ScriptToolRule& out);
  Status read(const Node& node, ScriptAgent& out);
  template <typename T>
  Status read(const Node& node, std::optional<T>& out);
  template <typename T>
  Status read(const Node& node, std::vector<T>& out);
  template <typename T>
  Status read(const Node& node, std::map<std::string, T>& out);

  Result<std::string_view> acting_key(const Node& call);
  std::unexpected<Error> exclusive(const Node& node, std::string_view key, std::string_view other);
  Keys answer_keys(ScriptAnswer& out);
  Status check_times(const Node& node, const ScriptAnswer& answer);
  Status check_edits(const Node& node, std::string_view key, const std::vector<ContextEdit>& edits);
  Status check_targets(const ScriptAgent& agent);
  Status check_characters(const ParseNotes& notes);
  Status check_version(const Node& root);
  Status choose_main(const Node& root, Script& script);

  std::unexpected<Error> wrong(JsonPath path, At at, std::string_view what) const;
  std::unexpected<Error> wrong(const Node& node, std::string_view what) const {
    return wrong(path_of(node), At::kValue, what);
  }
  std::unexpected<Error> wrong_member(const Node& node, std::string_view key,
                                      std::string_view what) const;
  std::unexpected<Error> expected(const Node& node, std::string_view what) const {
    return wrong(node, fmt::format("expected {}, got {}", what, described(node.json)));
  }

  // A call id that must be that of a spawn of the same agent: known when all its turns are read.
  struct Target {
    Path path;
    std::string id;
  };

  const std::string_view text_;
  const std::string_view name_;
  std::set<std::string_view> agent_names_;
  std::vector<Target> targets_;  // of the agent being read
};

// Errors.

std::unexpected<Error> ScriptReader::wrong(JsonPath path, At at, std::string_view what) const {
  const auto offset = at == At::kKey ? offset_of_key(text_, path) : offset_of_value(text_, path);
  const TextPosition position = position_at(text_, offset.value_or(0));
  const JsonPath shown = at == At::kKey ? path.first(path.size() - 1) : path;
  return fail(Code::kCorrupt,
              fmt::format("{}:{}:{}: {}{}{}", name_, position.line, position.column,
                          path_text(shown), shown.empty() ? "" : ": ", what),
              kHint);
}

std::unexpected<Error> ScriptReader::wrong_member(const Node& node, std::string_view key,
                                                  std::string_view what) const {
  Path path = path_of(node);
  path.emplace_back(key);
  return wrong(path, At::kValue, what);
}

std::unexpected<Error> ScriptReader::exclusive(const Node& node, std::string_view key,
                                               std::string_view other) {
  Path path = path_of(node);
  path.emplace_back(key);
  return wrong(path, At::kKey, fmt::format("\"{}\" does not go with \"{}\"", key, other));
}

// Containers.

Status ScriptReader::object(const Node& node, const Keys& keys) {
  if (!node.json.is_object()) return expected(node, "an object");
  std::vector<bool> seen(keys.size());
  for (const Json::Member& each : node.json.members())
    AGDB_CHECK_OK(member({each.value, &node, each.key}, keys, seen));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].is_required && !seen[i])
      return wrong(node, fmt::format("\"{}\" is missing", keys[i].name));
  }
  return {};
}

Status ScriptReader::member(const Node& node, const Keys& keys, std::vector<bool>& seen) {
  const auto name = std::get<std::string_view>(node.step);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].name != name) continue;
    if (seen[i])
      return wrong(path_of(node), At::kKey, fmt::format("\"{}\" stands here twice", name));
    seen[i] = true;
    return keys[i].reading(node);
  }
  std::string known;
  for (const Key& key : keys) known += fmt::format("{}{}", known.empty() ? "" : ", ", key.name);
  return wrong(path_of(node), At::kKey,
               fmt::format("unknown key {}; known: {}", quoted(name), known));
}

template <typename T>
Status ScriptReader::read(const Node& node, std::optional<T>& out) {
  return read(node, out.emplace());
}

template <typename T>
Status ScriptReader::read(const Node& node, std::vector<T>& out) {
  if (!node.json.is_array()) return expected(node, "an array");
  out.reserve(node.json.size());
  for (std::size_t i = 0; i < node.json.size(); ++i)
    AGDB_CHECK_OK(read(Node{node.json.items()[i], &node, i}, out.emplace_back()));
  return {};
}

template <typename T>
Status ScriptReader::read(const Node& node, std::map<std::string, T>& out) {
  if (!node.json.is_object()) return expected(node, "an object");
  for (const Json::Member& each : node.json.members()) {
    const Node child{each.value, &node, each.key};
    const auto [at, is_new] = out.try_emplace(each.key);
    if (!is_new)
      return wrong(path_of(child), At::kKey, fmt::format("{} stands here twice", quoted(each.key)));
    AGDB_CHECK_OK(read(child, at->second));
  }
  return {};
}

// Plain values.

Status ScriptReader::read(const Node& node, std::string& out) {
  const auto text = node.json.to_string();
  if (!text) return expected(node, "a string");
  out = *text;
  return {};
}

Status ScriptReader::read(const Node& node, bool& out) {
  const auto value = node.json.to_bool();
  if (!value) return expected(node, "true or false");
  out = *value;
  return {};
}

Status ScriptReader::read(const Node& node, std::int64_t& out) {
  std::uint64_t value = 0;
  AGDB_CHECK_OK(read(node, value));
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return expected(node, "a number below 2^63");
  out = static_cast<std::int64_t>(value);
  return {};
}

Status ScriptReader::read(const Node& node, std::uint64_t& out) {
  const auto value = node.json.to_uint();
  if (node.json.is_number() && *node.json.to_double() < 0) return expected(node, "0 or more");
  if (!value) return expected(node, "an integer");
  out = *value;
  return {};
}

Status ScriptReader::read(const Node& node, double& out) {
  const auto value = node.json.to_double();
  if (!value) return expected(node, "a number");
  if (*value < 0 || !std::isfinite(*value)) return expected(node, "0 or more");
  out = *value;
  return {};
}

Status ScriptReader::read(const Node& node, Nanoseconds& out) {
  const auto text = node.json.to_string();
  if (!text) return expected(node, "a time span such as \"850ms\" or \"1.5s\"");
  const Result<Nanoseconds> span = parse_duration(*text);
  if (!span) return wrong(node, fmt::format("{}; write it like \"850ms\"", span.error().message));
  out = *span;
  return {};
}

Status ScriptReader::read(const Node& node, Json& out) {
  out = node.json;
  settle_numbers(out);
  return {};
}

ScriptReader::Reading ScriptReader::into_tokens(std::int64_t& out) {
  return [this, &out](const Node& node) -> Status {
    AGDB_CHECK_OK(read(node, out));
    if (out > kMostTokens)
      return wrong(node, fmt::format("{} tokens are more than the {} that a script may say", out,
                                     kMostTokens));
    return {};
  };
}

ScriptReader::Reading ScriptReader::into_pattern(std::string& out) {
  return [this, &out](const Node& node) -> Status {
    AGDB_CHECK_OK(read(node, out));
    const re2::RE2 pattern(out, re2::RE2::Quiet);
    if (!pattern.ok())
      return wrong(node, fmt::format("{} is no RE2 pattern: {}", quoted(out),
                                     truncate(pattern.error(), 120)));
    return {};
  };
}

// An empty text stands for no error.
ScriptReader::Reading ScriptReader::into_error(std::string& out) {
  return [this, &out](const Node& node) -> Status {
    AGDB_CHECK_OK(read(node, out));
    if (out.empty()) return wrong(node, "an error must not be empty");
    return {};
  };
}

ScriptReader::Reading ScriptReader::into_agent_name(std::string& out) {
  return [this, &out](const Node& node) -> Status {
    AGDB_CHECK_OK(read(node, out));
    if (agent_names_.contains(out)) return {};
    std::string known;
    for (const std::string_view name : agent_names_) {
      if (known.size() > 200) {
        known += ", ...";
        break;
      }
      known += (known.empty() ? "" : ", ") + quoted(name);
    }
    return wrong(node, fmt::format("there is no agent {}; there is {}", quoted(out), known));
  };
}

// Whom "to" names: checked here as far as it can be without the agent's other calls.
ScriptReader::Reading ScriptReader::into_target(std::string& out) {
  return [this, &out](const Node& node) -> Status {
    if (node.json.is_integer()) {
      std::uint64_t pid = 0;
      AGDB_CHECK_OK(read(node, pid));
      out = std::to_string(pid);
      return {};
    }
    AGDB_CHECK_OK(read(node, out));
    if (out != "parent" && !is_pid(out)) targets_.push_back({path_of(node), out});
    return {};
  };
}

ScriptReader::Reading ScriptReader::into_child(std::string& out) {
  return [this, &out](const Node& node) -> Status {
    AGDB_CHECK_OK(read(node, out));
    targets_.push_back({path_of(node), out});
    return {};
  };
}

// The parts of a script, from the inside out.

Status ScriptReader::read(const Node& node, ToolCall& out) {
  out.arguments = Json::object();
  return object(
      node,
      {{"id", into(out.id)}, {"name", into(out.name), true}, {"arguments", into(out.arguments)}});
}

Status ScriptReader::read(const Node& node, Message& out) {
  return object(node, {{"role", into(out.role), true},
                       {"content", into(out.content)},
                       {"name", into(out.name)},
                       {"tool_call_id", into(out.tool_call_id)},
                       {"tool_calls", into(out.tool_calls)},
                       {"turn", into(out.turn)}});
}

Status ScriptReader::read(const Node& node, ScriptUsage& out) {
  return object(node, {{"request", into_tokens(out.request_tokens)},
                       {"response", into_tokens(out.response_tokens)},
                       {"cache_read", into_tokens(out.cache_read_tokens)},
                       {"cache_creation", into_tokens(out.cache_creation_tokens)},
                       {"cost_usd", into(out.cost_usd)}});
}

Status ScriptReader::read(const Node& node, ScriptFailure& out) {
  return object(node, {{"error", into(out.error), true}, {"after", into(out.after)}});
}

Status ScriptReader::read(const Node& node, ScriptSend& out) {
  return object(node, {{"to", into_target(out.to), true}, {"message", into(out.message), true}});
}

Status ScriptReader::read(const Node& node, ScriptRecv& out) {
  return object(node, {{"timeout", into(out.timeout)}});
}

Status ScriptReader::read(const Node& node, ScriptSignal& out) {
  const auto name = [this, &out](const Node& at) -> Status {
    AGDB_CHECK_OK(read(at, out.signal));
    for (const std::string_view known : kSignals)
      if (out.signal == known) return {};
    return wrong(at, fmt::format("unknown signal {}; known: {}", quoted(out.signal),
                                 fmt::join(kSignals, ", ")));
  };
  return object(node, {{"to", into_target(out.to), true}, {"signal", name, true}});
}

// Which of a call's keys says what it does; empty when it just has a result, an error, or neither.
Result<std::string_view> ScriptReader::acting_key(const Node& call) {
  std::string_view acting;
  for (const Json::Member& each : call.json.members()) {
    if (std::find(kActions.begin(), kActions.end(), each.key) == kActions.end()) continue;
    if (!acting.empty()) return exclusive(call, each.key, acting);
    acting = each.key;
  }
  const auto has = [&call](std::string_view key) { return call.json.find(key) != nullptr; };
  if (has("result") && has("error")) return exclusive(call, "error", "result");
  for (const std::string_view key : {"result", "error"})
    if (has(key) && !acting.empty() && acting != "spawn") return exclusive(call, key, acting);
  if (has("background") && acting != "spawn")
    return wrong_member(call, "background", "goes with \"spawn\" only");
  if (has("data") && acting != "device")
    return wrong_member(call, "data", "goes with \"device\" only");
  return acting;
}

Status ScriptReader::read(const Node& node, ScriptCall& out) {
  out.call.arguments = Json::object();
  ScriptResult result;
  ScriptSpawn spawn;
  ScriptWait wait;
  ScriptSend send;
  ScriptRecv recv;
  ScriptSignal signal;
  ScriptDevice device;
  const auto interrupted = [this](const Node& at) -> Status {
    bool value = false;
    AGDB_CHECK_OK(read(at, value));
    if (!value) return wrong(at, "expected true; leave it out where the call is not interrupted");
    return {};
  };
  AGDB_CHECK_OK(object(node, {{"id", into(out.call.id)},
                              {"name", into(out.call.name), true},
                              {"arguments", into(out.call.arguments)},
                              {"result", into(result.text)},
                              {"error", into_error(result.error)},
                              {"spawn", into_agent_name(spawn.agent)},
                              {"background", into(spawn.background)},
                              {"wait", into_child(wait.child)},
                              {"send", into(send)},
                              {"recv", into(recv)},
                              {"signal", into(signal)},
                              {"device", into(device.path)},
                              {"data", into(device.data)},
                              {"interrupted", interrupted},
                              {"latency", into(out.latency)}}));
  AGDB_TRY(const std::string_view acting, acting_key(node));
  spawn.text = result.text;
  spawn.error = result.error;
  if (acting == "spawn")
    out.action = std::move(spawn);
  else if (acting == "wait")
    out.action = std::move(wait);
  else if (acting == "send")
    out.action = std::move(send);
  else if (acting == "recv")
    out.action = recv;
  else if (acting == "signal")
    out.action = std::move(signal);
  else if (acting == "device")
    out.action = std::move(device);
  else if (acting == "interrupted")
    out.action = ScriptInterrupted{};
  else
    out.action = std::move(result);
  return {};
}

ScriptReader::Keys ScriptReader::answer_keys(ScriptAnswer& out) {
  return {{"text", into(out.text)},
          {"thinking", into(out.thinking)},
          {"calls", into(out.calls)},
          {"usage", into(out.usage)},
          {"model", into(out.model)},
          {"stop_reason", into(out.stop_reason)},
          {"latency", into(out.latency)},
          {"setup", into(out.setup)},
          {"first_token", into(out.first_token)},
          {"failures", into(out.failures)},
          {"error", into_error(out.error)}};
}

Status ScriptReader::check_times(const Node& node, const ScriptAnswer& answer) {
  if (answer.first_token > answer.latency) {
    return wrong_member(
        node, "first_token",
        fmt::format("{} is later than the answer's end, after {} (\"latency\")",
                    format_duration(answer.first_token), format_duration(answer.latency)));
  }
  const bool told = answer.first_token > Nanoseconds{0};
  if (answer.setup > (told ? answer.first_token : answer.latency)) {
    return wrong_member(node, "setup",
                        fmt::format("{} is longer than \"{}\", {}", format_duration(answer.setup),
                                    told ? "first_token" : "latency",
                                    format_duration(told ? answer.first_token : answer.latency)));
  }
  return {};
}

Status ScriptReader::read(const Node& node, ScriptAlternative& out) {
  Keys keys = answer_keys(out.answer);
  keys.insert(keys.begin(), {"when", into_pattern(out.when), true});
  AGDB_CHECK_OK(object(node, keys));
  return check_times(node, out.answer);
}

Status ScriptReader::read(const Node& node, ContextEdit& out) {
  const auto append = [this, &out](const Node& at) {
    out.kind = ContextEdit::Kind::kAppend;
    return read(at, out.messages.emplace_back());
  };
  const auto compact = [this, &out](const Node& at) {
    out.kind = ContextEdit::Kind::kCompact;
    return object(at, {{"keep", into(out.keep)}, {"messages", into(out.messages)}});
  };
  const auto set_prompt = [this, &out](const Node& at) {
    out.kind = ContextEdit::Kind::kSetPrompt;
    return read(at, out.prompt);
  };
  AGDB_CHECK_OK(object(node, {{"append", append},
                              {"compact", compact},
                              {"set_prompt", set_prompt},
                              {"delay", into(out.delay)}}));
  std::string_view kind;
  for (const Json::Member& each : node.json.members()) {
    if (each.key == "delay") continue;
    if (!kind.empty()) return exclusive(node, each.key, kind);
    kind = each.key;
  }
  if (kind.empty()) return wrong(node, "expected one of append, compact, set_prompt");
  return {};
}

// The runtime gives the messages of edits their turn. Before the first answer it has none to give,
// so that there an assistant's message would pass for an answer.
Status ScriptReader::check_edits(const Node& node, std::string_view key,
                                 const std::vector<ContextEdit>& edits) {
  const auto path_to = [&](std::size_t edit, std::size_t message) {
    Path path = path_of(node);
    path.insert(path.end(), {JsonStep{key}, JsonStep{edit}});
    if (edits[edit].kind == ContextEdit::Kind::kAppend) {
      path.emplace_back("append");
    } else {
      path.insert(path.end(), {JsonStep{"compact"}, JsonStep{"messages"}, JsonStep{message}});
    }
    return path;
  };
  const bool is_first = node.step == JsonStep{std::size_t{0}};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    for (std::size_t j = 0; j < edits[i].messages.size(); ++j) {
      if (edits[i].messages[j].turn != 0) {
        Path path = path_to(i, j);
        path.emplace_back("turn");
        return wrong(path, At::kValue, "the runtime gives this; leave it out");
      }
      if (is_first && edits[i].messages[j].role == "assistant") {
        return wrong(path_to(i, j), At::kValue,
                     "an assistant's message before the first turn belongs in the agent's "
                     "\"messages\"");
      }
    }
  }
  return {};
}

Status ScriptReader::read(const Node& node, ScriptTurn& out) {
  Keys keys = answer_keys(out.answer);
  keys.insert(keys.begin(), {"before", into(out.before)});
  keys.push_back({"alternatives", into(out.alternatives)});
  keys.push_back({"next", into(out.next)});
  AGDB_CHECK_OK(object(node, keys));
  AGDB_CHECK_OK(check_times(node, out.answer));
  AGDB_CHECK_OK(check_edits(node, "before", out.before));
  const std::size_t turns = node.parent->json.size();
  if (out.next > turns)
    return wrong_member(node, "next",
                        fmt::format("there is no turn {}; there are {}", out.next, turns));
  return {};
}

Status ScriptReader::read(const Node& node, ScriptToolRule& out) {
  AGDB_CHECK_OK(object(node, {{"when", into_pattern(out.when)},
                              {"result", into(out.result.text)},
                              {"error", into_error(out.result.error)},
                              {"latency", into(out.latency)}}));
  if (out.result.text && !out.result.error.empty()) return exclusive(node, "error", "result");
  if (!out.result.text && out.result.error.empty())
    return wrong(node, "expected one of result, error");
  return {};
}

// An id for each call that has none: "call_<turn>_<index>", in the n-th alternative with "_<n>"
// behind, so that the calls of a turn's answers differ.
void name_calls(ScriptAgent& agent) {
  const auto name_all = [](std::vector<ScriptCall>& calls, std::size_t turn, std::string_view end) {
    for (std::size_t i = 0; i < calls.size(); ++i)
      if (calls[i].call.id.empty())
        calls[i].call.id = fmt::format("call_{}_{}{}", turn, i + 1, end);
  };
  for (std::size_t i = 0; i < agent.turns.size(); ++i) {
    ScriptTurn& turn = agent.turns[i];
    name_all(turn.answer.calls, i + 1, "");
    for (std::size_t j = 0; j < turn.alternatives.size(); ++j)
      name_all(turn.alternatives[j].answer.calls, i + 1, fmt::format("_{}", j + 1));
  }
}

Status ScriptReader::check_targets(const ScriptAgent& agent) {
  std::set<std::string_view> spawns;
  const auto add_spawns = [&spawns](const ScriptAnswer& answer) {
    for (const ScriptCall& call : answer.calls)
      if (std::holds_alternative<ScriptSpawn>(call.action)) spawns.insert(call.call.id);
  };
  for (const ScriptTurn& turn : agent.turns) {
    add_spawns(turn.answer);
    for (const ScriptAlternative& alternative : turn.alternatives) add_spawns(alternative.answer);
  }
  for (const Target& target : targets_) {
    if (!spawns.contains(target.id))
      return wrong(target.path, At::kValue,
                   fmt::format("no spawn of this agent has the call id {}", quoted(target.id)));
  }
  return {};
}

Status ScriptReader::read(const Node& node, ScriptAgent& out) {
  targets_.clear();
  const auto provider = [this, &out](const Node& at) -> Status {
    AGDB_CHECK_OK(read(at, out.provider));
    if (out.provider.empty() || out.provider.find('/') != std::string::npos)
      return wrong(at, "a provider is a name without \"/\": the device is /dev/llm/<provider>");
    return {};
  };
  AGDB_CHECK_OK(object(node, {{"intent", into(out.intent)},
                              {"provider", provider},
                              {"model", into(out.model)},
                              {"system_prompt", into(out.system_prompt)},
                              {"budget", into_tokens(out.budget)},
                              {"max_steps", into(out.max_steps)},
                              {"messages", into(out.messages)},
                              {"turns", into(out.turns)},
                              {"closing", into(out.closing)},
                              {"tools", into(out.tools)}}));
  AGDB_CHECK_OK(check_edits(node, "closing", out.closing));
  name_calls(out);
  return check_targets(out);
}

// The document.

Status ScriptReader::check_characters(const ParseNotes& notes) {
  if (notes == ParseNotes{}) return {};
  const TextPosition position = position_at(text_, offset_of_bad_character(text_).value_or(0));
  return fail(Code::kCorrupt,
              fmt::format("{}:{}:{}: {}", name_, position.line, position.column,
                          notes.invalid_utf8 > 0 ? "this is not UTF-8"
                                                 : "this is half of a surrogate pair"),
              "save the script as UTF-8; for other bytes, see \"_base64\" in fixtures/README.md");
}

Status ScriptReader::check_version(const Node& root) {
  if (!root.json.is_object()) return expected(root, "an agent script, which is an object");
  const Json* version = root.json.find("agdb_script");
  if (version == nullptr)
    return wrong(root,
                 "\"agdb_script\" is missing: an agent script begins with \"agdb_script\": 1");
  std::int64_t number = 0;
  AGDB_CHECK_OK(read(Node{*version, &root, "agdb_script"}, number));
  if (number == kVersion) return {};
  auto error = wrong_member(root, "agdb_script", "");
  error.error().message +=
      fmt::format("version {} of the format; this agdb reads version {}", number, kVersion);
  if (number > kVersion) {
    error.error().code = Code::kUnsupported;
    error.error().hint = "a newer agdb wrote it: update agdb";
  }
  return error;
}

Status ScriptReader::choose_main(const Node& root, Script& script) {
  if (script.agents.empty())
    return wrong_member(root, "agents", "there is no agent: a script needs one at least");
  if (root.json.find("main") != nullptr) {
    if (script.agent(script.main) != nullptr) return {};
    return wrong_member(root, "main", fmt::format("there is no agent {}", quoted(script.main)));
  }
  if (script.agents.size() == 1) script.main = script.agents.begin()->first;
  if (script.agent(script.main) != nullptr) return {};
  return wrong(root, "\"main\" is missing: it says which of the agents starts");
}

Result<Script> ScriptReader::script() {
  ParseNotes notes;
  Result<Json> json = parse_json(text_, &notes, {.max_depth = kMaxDepth, .restore_base64 = true});
  if (!json)
    return fail(json.error().code, fmt::format("{}:{}", name_, json.error().message), kHint);
  AGDB_CHECK_OK(check_characters(notes));
  const Node root{*json};
  AGDB_CHECK_OK(check_version(root));
  const Json& agents = (*json)["agents"];
  if (agents.is_object()) {
    for (const Json::Member& agent : agents.members()) agent_names_.insert(agent.key);
  }
  Script script;
  std::int64_t version = 0;
  AGDB_CHECK_OK(object(root, {{"agdb_script", into(version)},
                              {"main", into(script.main)},
                              {"agents", into(script.agents), true}}));
  AGDB_CHECK_OK(choose_main(root, script));
  return script;
}

}  // namespace

Result<Script> parse_script(std::string_view text, std::string_view name) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return ScriptReader(text, name).script();
}

}  // namespace agdb

#include "debug/import/span_run.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "debug/import/foreign_tree.h"
#include "debug/import/span_process.h"

namespace agdb {
namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kMaxNameBytes = 60;
constexpr std::size_t kNone = ForeignTree::kNone;
// Tool calls held against agents: beyond, agents stay without the call that ran them.
constexpr std::size_t kMostCompared = 1'000'000;

class RunReader {
 public:
  RunReader(const ForeignTree& tree, ImportTally& tally) : tree_(tree), tally_(tally) {}

  std::optional<SessionRun> read() {
    find_processes();
    if (places_.empty()) return std::nullopt;
    for (const std::size_t index : tree_.order()) take(index);
    link_by_words();
    for (Place& place : places_) fill(place);
    finish();
    return std::move(run_);
  }

 private:
  // A process, until its items are put together.
  struct Place {
    std::size_t node = kNone;  // its agent's span; kNone: the trace itself, with what no agent did
    std::optional<std::size_t> parent;
    SessionProcess process;
    std::vector<std::size_t> model_calls;  // nodes
    std::vector<std::size_t> tool_calls;
    std::vector<std::pair<std::size_t, std::size_t>> spawns;  // processes, and the spawns' nodes
    std::vector<std::pair<std::size_t, std::size_t>> waits;
    std::map<std::size_t, std::vector<SessionFailure>> failures;  // by the model call's node
    std::vector<WallTime> users_times;  // of messages that were waited for
  };

  bool is_work(const ForeignTree::Node& node) const {
    return node.role == SpanRole::kModelCall || node.role == SpanRole::kToolCall;
  }

  void find_processes() {
    const bool outside = std::ranges::any_of(tree_.order(), [this](std::size_t index) {
      return tree_.node(index).agent == kNone && is_work(tree_.node(index));
    });
    if (outside) places_.emplace_back();
    for (const std::size_t index : agents()) {
      process_of_[index] = places_.size();
      Place place;
      place.node = index;
      if (!places_.empty()) place.parent = process_at(tree_.node(index).agent);
      describe(*tree_.node(index).span, place.process);
      places_.push_back(std::move(place));
    }
    if (outside) describe_trace(places_.front().process);
  }

  // Parents before their children; where agdb tells all numbers, as they were numbered.
  std::vector<std::size_t> agents() const {
    std::vector<std::size_t> found;
    for (const std::size_t index : tree_.order())
      if (tree_.node(index).role == SpanRole::kAgent) found.push_back(index);
    const auto pid = [this](std::size_t index) {
      return tree_.node(index).span->attributes["agdb.pid"].to_uint().value_or(0);
    };
    const bool numbered = std::ranges::all_of(found, [&](std::size_t index) {
      const std::size_t parent = tree_.node(index).agent;
      return pid(index) > (parent == kNone ? 0 : pid(parent));
    });
    if (numbered) std::ranges::stable_sort(found, {}, pid);
    return found;
  }

  // Of an agent's span; the first process where there is none around.
  std::size_t process_at(std::size_t agent) const {
    const auto found = process_of_.find(agent);
    return found == process_of_.end() ? 0 : found->second;
  }

  void describe(const ForeignSpan& span, SessionProcess& process) {
    process.name = prefix_of(text_attribute(span, "gen_ai.agent.name agent_name"));
    process.began = span.start;
    process.ended = span.end;
    process.provider.clear();
    process.exit_reason = text_attribute(span, "agdb.exit_reason");
    if (process.exit_reason.empty() && span.failed)
      process.exit_reason = "error: " + one_line_of(span.error);
  }

  void describe_trace(SessionProcess& process) {
    process.provider.clear();
    for (const std::size_t index : tree_.order()) {
      const ForeignTree::Node& node = tree_.node(index);
      if (node.agent != kNone || node.role == SpanRole::kAgent) continue;
      const ForeignSpan& span = *node.span;
      if (span.start && (!process.began || *span.start < *process.began))
        process.began = span.start;
      if (span.end && (!process.ended || *span.end > *process.ended)) process.ended = span.end;
    }
    process.exit_reason.clear();
  }

  static std::string prefix_of(std::string_view name) {
    return one_line_of(name.substr(0, std::min(name.size(), kMaxNameBytes)));
  }

  void take(std::size_t index) {
    const ForeignTree::Node& node = tree_.node(index);
    Place& place = places_[process_at(node.agent)];
    switch (node.role) {
      case SpanRole::kAgent:
        return;
      case SpanRole::kModelCall:
        return take_model_call(index, place);
      case SpanRole::kToolCall:
        return take_tool_call(index, place);
      case SpanRole::kEmbedding:
        return tally_.bookkeeping("embedding");
      case SpanRole::kOther:
        return take_other(index, place);
    }
  }

  // Instrumentation of several layers tells one call several times: the innermost span is the call.
  void take_model_call(std::size_t index, Place& place) {
    const std::size_t inner = tree_.node(index).inner_model_calls;
    const std::size_t parent = tree_.node(index).parent;
    if (parent != kNone && tree_.node(parent).span->attributes.text("agdb.kind") == "step")
      asked_in_[parent] = index;
    if (inner == 0) return place.model_calls.push_back(index);
    tally_.bookkeeping(inner == 1 ? "model call told by several spans"
                                  : "span around several model calls");
  }

  void take_tool_call(std::size_t index, Place& place) {
    if (tree_.node(index).tool_call != kNone)
      return tally_.bookkeeping("tool call within a tool call");
    place.tool_calls.push_back(index);
  }

  void take_other(std::size_t index, Place& place) {
    const ForeignTree::Node& node = tree_.node(index);
    const ForeignSpan& span = *node.span;
    const std::string_view kind = span.attributes.text("agdb.kind");
    const bool for_user = span.links.empty() && span.attributes["agdb.attribute.pid"].is_null();
    if (kind == "wait" && for_user && span.end) {
      place.users_times.push_back(*span.end);
    } else if (kind == "spawn" || kind == "wait") {
      for (const ForeignSpan::Link& link : span.links) {
        if (!link.trace_id.empty() && link.trace_id != span.trace_id) continue;
        if (const auto child = process_of_.find(tree_.node_of(link.span_id));
            child != process_of_.end())
          (kind == "spawn" ? place.spawns : place.waits).emplace_back(child->second, index);
      }
    } else if (kind == "phase" && span.failed && node.model_call != kNone) {
      place.failures[node.model_call].push_back({span.error, span.end});
    } else if (kind.empty()) {
      tally_.bookkeeping("span of no agent, model or tool");
    }
  }

  // What the spans around a call, that tell of it alone, know more.
  SpanProcess::ModelCall model_call(std::size_t index, Place& place) {
    SpanProcess::ModelCall call;
    call.span = tree_.node(index).span;
    call.facts = read_span_facts(*call.span, tally_);
    call.messages = read_span_messages(*call.span, tally_);
    call.failures = std::move(place.failures[index]);
    for (std::size_t around = tree_.node(index).model_call;
         around != kNone && tree_.node(around).inner_model_calls == 1;
         around = tree_.node(around).model_call) {
      const ForeignSpan& span = *tree_.node(around).span;
      fill_in(call.facts, read_span_facts(span, tally_));
      SpanMessages more = read_span_messages(span, tally_);
      if (call.messages.input.empty()) call.messages.input = std::move(more.input);
      if (call.messages.output.empty()) call.messages.output = std::move(more.output);
    }
    return call;
  }

  // A step of agdb's has one model call; what else is in it came behind that.
  const ForeignSpan* call_of_step(std::size_t step) const {
    const auto found = asked_in_.find(step);
    return found == asked_in_.end() ? nullptr : tree_.node(found->second).span;
  }

  // What began at one time: by the number of its first event, where agdb tells it.
  auto by_start() const {
    return [this](std::size_t index) {
      const ForeignSpan& span = *tree_.node(index).span;
      return std::pair(span.start, span.attributes["agdb.seq"].to_uint().value_or(0));
    };
  }

  void fill(Place& place) {
    SpanProcess process(std::move(place.process), tally_);
    std::ranges::stable_sort(place.model_calls, {}, by_start());
    std::ranges::stable_sort(place.tool_calls, {}, by_start());
    for (const std::size_t index : place.model_calls) process.add(model_call(index, place));
    for (const std::size_t index : place.tool_calls)
      if (!process.add(tool_use(index))) tally_.not_understood("tool call of no answer");
    for (const auto& [child, index] : place.spawns)
      if (!process.begin_child(child, *tree_.node(index).span))
        tally_.not_understood("sub-agent of no answer");
    for (const auto& [child, index] : place.waits)
      process.end_child(child, *tree_.node(index).span, call_of_step(tree_.node(index).parent));
    std::ranges::sort(place.users_times);
    for (const WallTime time : place.users_times) process.add_users_time(time);
    run_.processes.push_back(process.finish());
    spawns_.merge(process.spawns);
  }

  SpanProcess::ToolUse tool_use(std::size_t index) {
    SpanProcess::ToolUse use;
    use.span = tree_.node(index).span;
    use.facts = read_span_facts(*use.span, tally_);
    if (use.facts.tool.empty()) use.facts.tool = prefix_of(use.span->name);
    use.child = child_of(index);
    use.behind = call_of_step(tree_.node(index).parent);
    return use;
  }

  // Which agent a call of a tool ran: the first below it; or else, where the writer put agents side
  // by side, one that ran during the call and was told its very words.
  void link_by_words() {
    for (std::size_t i = places_.size(); i-- > 0;)
      if (places_[i].node != kNone)
        if (const std::size_t around = tree_.node(places_[i].node).tool_call; around != kNone)
          children_[around] = i;
    std::size_t compared = 0;
    for (std::size_t i = 1; i < places_.size(); ++i) {
      const ForeignTree::Node& agent = tree_.node(places_[i].node);
      if (agent.agent != kNone || places_[i].model_calls.empty()) continue;
      const std::string words = first_words(places_[i]);
      for (std::size_t parent = 0; parent < i && !words.empty(); ++parent)
        for (const std::size_t tool : places_[parent].tool_calls) {
          if (++compared > kMostCompared) return;
          if (children_.contains(tool) || !told(*tree_.node(tool).span, *agent.span, words))
            continue;
          children_[tool] = i;
          places_[i].parent = parent;
        }
    }
  }

  // What the agent's first call was given as a person's.
  std::string first_words(const Place& place) {
    const auto first = std::ranges::min_element(place.model_calls, {}, by_start());
    SessionLog unused;
    ImportTally uncounted(unused);
    const SpanMessages messages = read_span_messages(*tree_.node(*first).span, uncounted);
    for (const ChatMessage& message : messages.input)
      if (message.role == "user") return message.content;
    return {};
  }

  static bool told(const ForeignSpan& tool, const ForeignSpan& agent, const std::string& words) {
    const bool during = tool.start && tool.end && agent.start && agent.end &&
                        *tool.start <= *agent.start && *agent.end <= *tool.end;
    if (!during) return false;
    SessionLog unused;
    ImportTally uncounted(unused);
    const Json arguments = read_span_facts(tool, uncounted).arguments;
    if (!arguments.is_object()) return false;
    return std::ranges::any_of(arguments.members(), [&words](const Json::Member& member) {
      return member.value == Json(words);
    });
  }

  std::optional<std::size_t> child_of(std::size_t tool) const {
    const auto found = children_.find(tool);
    return found == children_.end() ? std::nullopt : std::optional(found->second);
  }

  void finish() {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      SessionProcess& process = run_.processes[i];
      if (i > 0) process.parent = places_[i].parent;
      if (const auto spawn = spawns_.find(i); spawn != spawns_.end()) process.spawn = spawn->second;
      const Json own = places_[i].node == kNone
                           ? Json()
                           : tree_.node(places_[i].node).span->attributes["agdb.name"];
      if (own.is_string()) process.intent = own.string();
      if (process.intent.empty() && !own.is_string()) process.intent = fallback_intent(places_[i]);
    }
    const ForeignTree::Node& first = tree_.node(tree_.order().front());
    if (first.span->trace_id.size() == kTraceIdDigits) run_.trace_id = first.span->trace_id;
    const bool times = std::ranges::any_of(
        tree_.order(), [this](std::size_t i) { return tree_.node(i).span->start.has_value(); });
    run_.time_source = times ? "log" : "order";
  }

  std::string fallback_intent(const Place& place) const {
    const std::size_t node = place.node == kNone ? tree_.order().front() : place.node;
    const ForeignSpan& span = *tree_.node(node).span;
    const std::string_view agent = text_attribute(span, "gen_ai.agent.name agent_name");
    return one_line_of(agent.empty() ? std::string_view(span.name) : agent);
  }

  const ForeignTree& tree_;
  ImportTally& tally_;
  std::vector<Place> places_;
  std::unordered_map<std::size_t, std::size_t> process_of_;  // by the agent's node
  std::unordered_map<std::size_t, std::size_t> children_;    // processes, by the tool call's node
  std::unordered_map<std::size_t, std::size_t> asked_in_;    // model calls, by the step's node
  std::map<std::size_t, SessionProcess::SpawnPoint> spawns_;
  SessionRun run_;
};

}  // namespace

std::optional<SessionRun> span_run(const std::vector<const ForeignSpan*>& spans,
                                   ImportTally& tally) {
  const ForeignTree tree(spans, tally);
  return RunReader(tree, tally).read();
}

}  // namespace agdb

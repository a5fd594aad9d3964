#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "runtime/events/script.h"
#include "runtime/kernel/device.h"
#include "runtime/kernel/scheduler.h"

namespace re2 {
class RE2;
}

namespace agdb {

// RE2 patterns compiled once. Patterns come from a script that was checked, so they compile.
class PatternCache {
 public:
  PatternCache();
  ~PatternCache();
  // Whether the pattern is found anywhere in the text; an empty pattern always is.
  bool found(const std::string& pattern, const std::string& text);

 private:
  std::unordered_map<std::string, std::unique_ptr<re2::RE2>> compiled_;
};

// The model that plays a script: it finds its place from the context alone, chooses among
// alternatives by the last message, and takes the time that the script says. kExhausted when the
// script has no more answers for that context.
class ScriptedModel final : public ModelDriver {
 public:
  explicit ScriptedModel(Scheduler& scheduler) : scheduler_(&scheduler) {}
  void call(const ModelRequest& request, Reply<ModelAnswer> reply) override;

 private:
  Scheduler* scheduler_;
  PatternCache patterns_;
};

// The tools that a script gives results for: in the call itself, else in the agent's table.
class ScriptedTools final : public ToolDriver {
 public:
  explicit ScriptedTools(Scheduler& scheduler) : scheduler_(&scheduler) {}
  void call(const ToolRequest& request, Reply<std::string> reply) override;

 private:
  Scheduler* scheduler_;
  PatternCache patterns_;
};

// The scripted call behind a call of an answer: the one at that place of that turn (or of one of
// its alternatives) with the same name and id. Null when there is none. Valid as long as the agent.
const ScriptCall* find_script_call(const ScriptAgent& agent, std::uint64_t turn, std::size_t index,
                                   std::string_view name, std::string_view id);

}  // namespace agdb

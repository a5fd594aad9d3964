#include "debug/strace/name_sets.h"

#include <algorithm>
#include <array>

namespace agdb {
namespace {

struct SetName {
  std::string_view name;
  NameSet set;
};
constexpr std::array kSetNames = {
    SetName{"%llm", NameSet::kLlm},         SetName{"%tool", NameSet::kTool},
    SetName{"%ctx", NameSet::kCtx},         SetName{"%file", NameSet::kFile},
    SetName{"%process", NameSet::kProcess}, SetName{"%alert", NameSet::kAlert},
};

struct Member {
  std::string_view name;
  NameSet set;
};
// What belongs to a set whatever its arguments are.
constexpr std::array kMembers = {
    Member{"llm_response", NameSet::kLlm},
    Member{"configresolve", NameSet::kLlm},
    Member{"driverthinking", NameSet::kLlm},
    Member{"driverinit", NameSet::kLlm},
    Member{"driveruser", NameSet::kLlm},
    Member{"drivermessage", NameSet::kLlm},
    Member{"driveritem", NameSet::kLlm},
    Member{"driverevent", NameSet::kLlm},
    Member{"claude_cli.resolve", NameSet::kLlm},
    Member{"claude_cli.capabilities", NameSet::kLlm},
    Member{"drivertoolcall", NameSet::kTool},
    Member{"ctxalloc", NameSet::kCtx},
    Member{"ctxread", NameSet::kCtx},
    Member{"ctxwrite", NameSet::kCtx},
    Member{"ctxreclaim", NameSet::kCtx},
    Member{"toolresultdropped", NameSet::kCtx},
    Member{"context_snapshot", NameSet::kCtx},
    Member{"mount", NameSet::kFile},
    Member{"unmount", NameSet::kFile},
    Member{"spawn", NameSet::kProcess},
    Member{"wait", NameSet::kProcess},
    Member{"kill", NameSet::kProcess},
    Member{"reparent", NameSet::kProcess},
    Member{"spawnsupervisor", NameSet::kProcess},
    Member{"stemdifferentiate", NameSet::kProcess},
    Member{"heartbeatmonitor", NameSet::kProcess},
    Member{"resurrect", NameSet::kProcess},
    Member{"resumeenvdrift", NameSet::kProcess},
    Member{"checkpointwriteerror", NameSet::kProcess},
    Member{"send", NameSet::kProcess},
    Member{"recv", NameSet::kProcess},
    Member{"pipe", NameSet::kProcess},
    Member{"setbudget", NameSet::kProcess},
    Member{"signal", NameSet::kProcess},
    Member{"sigblock", NameSet::kProcess},
    Member{"sigunblock", NameSet::kProcess},
    Member{"joingroup", NameSet::kProcess},
    Member{"leavegroup", NameSet::kProcess},
    Member{"getprocgroup", NameSet::kProcess},
    Member{"signalgroup", NameSet::kProcess},
    Member{"spawnthread", NameSet::kProcess},
    Member{"jointhread", NameSet::kProcess},
    Member{"spawncoroutine", NameSet::kProcess},
    Member{"yield", NameSet::kProcess},
    Member{"resumecoroutine", NameSet::kProcess},
    Member{"state_change", NameSet::kProcess},
    Member{"process_start", NameSet::kProcess},
    Member{"process_end", NameSet::kProcess},
    Member{"alert", NameSet::kAlert},
};

// In no set by their name alone.
constexpr std::array<std::string_view, 8> kOthers = {"open",       "read",     "write",   "close",
                                                     "reasonstep", "gdbpause", "syscall", "gap"};

bool works_on_a_path(std::string_view name) {
  return name == "open" || name == "read" || name == "write" || name == "close";
}

NameSet set_of_path(std::string_view path) {
  if (path.starts_with("/dev/llm/")) return NameSet::kLlm;
  if (path.starts_with("/dev/tool/") || path.starts_with("/dev/shell/")) return NameSet::kTool;
  return NameSet::kFile;
}

// What the reference marks as a model call, whatever its name is.
bool names_model_device(const Json& args) {
  return args.text("path").find("/dev/llm/") != std::string_view::npos ||
         args.text("tool").find("/dev/llm/") != std::string_view::npos;
}

}  // namespace

std::optional<NameSet> set_named(std::string_view name) {
  const auto found = std::ranges::find(kSetNames, name, &SetName::name);
  if (found == kSetNames.end()) return std::nullopt;
  return found->set;
}

std::string set_names() {
  std::string names;
  for (const SetName& set : kSetNames) {
    if (!names.empty()) names += ", ";
    names += set.name;
  }
  return names;
}

bool is_known_name(std::string_view name) {
  return std::ranges::find(kMembers, name, &Member::name) != kMembers.end() ||
         std::ranges::find(kOthers, name) != kOthers.end();
}

bool in_set(NameSet set, std::string_view name, const Json* args, std::string_view path) {
  if (works_on_a_path(name)) {
    if (set == NameSet::kLlm && args != nullptr && names_model_device(*args)) return true;
    return !path.empty() && set_of_path(path) == set;
  }
  const auto found = std::ranges::find(kMembers, name, &Member::name);
  if (found != kMembers.end() && found->set == set) return true;
  return set == NameSet::kLlm && args != nullptr && names_model_device(*args);
}

}  // namespace agdb

#include "debug/strace/filter_condition.h"

#include <re2/re2.h>

#include <algorithm>

#include "debug/strace/filter.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

std::string_view name_of(const FilterSubject& subject) {
  return subject.syscall != nullptr ? std::string_view(subject.syscall->name) : subject.type;
}

bool test(const FilterCondition::Trace& wanted, const FilterSubject& subject) {
  if (wanted.all) return true;
  const std::string name = to_lower_ascii(name_of(subject));
  for (const std::string& one : wanted.names)
    if (one == name || one == subject.type) return true;
  return std::ranges::any_of(wanted.sets, [&](NameSet set) {
    return in_set(set, name, subject.syscall != nullptr ? &subject.syscall->args : nullptr,
                  subject.path);
  });
}

bool test(const FilterCondition::Status& wanted, const FilterSubject& subject) {
  if (subject.syscall != nullptr) return subject.syscall->err.empty() != wanted.failed;
  if (subject.llm != nullptr) return subject.llm->error.empty() != wanted.failed;
  return false;
}

bool test(const FilterCondition::Pids& wanted, const FilterSubject& subject) {
  return std::ranges::find(wanted.pids, subject.pid) != wanted.pids.end();
}

// The tool whose device a call works on: "Bash" of "/dev/tool/Bash"; empty where it is none.
std::string_view tool_of(const FilterSubject& subject) {
  constexpr std::string_view kTools = "/dev/tool/";
  if (subject.syscall == nullptr) return {};
  if (subject.syscall->name == "DriverToolCall") return subject.syscall->args.text("tool");
  if (subject.path.starts_with("/dev/shell/")) return "shell";
  if (!subject.path.starts_with(kTools)) return {};
  const std::string_view rest = subject.path.substr(kTools.size());
  return rest.substr(0, rest.find('/'));
}

bool test(const FilterCondition::Tools& wanted, const FilterSubject& subject) {
  const std::string tool = to_lower_ascii(tool_of(subject));
  return !tool.empty() && std::ranges::find(wanted.names, tool) != wanted.names.end();
}

bool in_text(const RE2& pattern, std::string_view text) {
  const re2::StringPiece piece(text.data(), text.size());
  return pattern.Match(piece, 0, piece.size(), RE2::UNANCHORED, nullptr, 0);
}

// Any string in the value. Values are nested at most as deep as parse_json lets them be.
bool in_json(const RE2& pattern, const Json& value) {
  if (value.is_string()) return in_text(pattern, value.string());
  if (value.is_array())
    return std::ranges::any_of(value.items(),
                               [&](const Json& item) { return in_json(pattern, item); });
  if (value.is_object())
    return std::ranges::any_of(value.members(), [&](const Json::Member& member) {
      return in_json(pattern, member.value);
    });
  return false;
}

bool in_calls(const RE2& pattern, const std::vector<ToolCall>& calls) {
  return std::ranges::any_of(calls, [&](const ToolCall& call) {
    return in_text(pattern, call.name) || in_json(pattern, call.arguments);
  });
}

bool in_payload(const RE2& pattern, const Syscall& call) {
  return in_text(pattern, call.name) || in_text(pattern, call.err) || in_json(pattern, call.args) ||
         in_json(pattern, call.result);
}

bool in_payload(const RE2& pattern, const LlmResponse& response) {
  return in_text(pattern, response.model) || in_text(pattern, response.content) ||
         in_text(pattern, response.stop_reason) || in_text(pattern, response.error) ||
         in_calls(pattern, response.tool_calls);
}

bool in_payload(const RE2& pattern, const ContextView& context) {
  if (context.system_prompt != nullptr && in_text(pattern, *context.system_prompt)) return true;
  return std::ranges::any_of(context.added, [&](const Message* message) {
    return in_text(pattern, message->content) || in_calls(pattern, message->tool_calls);
  });
}

bool in_payload(const RE2& pattern, const StateChange& change) {
  return in_text(pattern, change.from_state) || in_text(pattern, change.to_state) ||
         in_text(pattern, change.reason);
}

bool in_payload(const RE2& pattern, const Alert& alert) {
  return in_text(pattern, alert.kind) || in_text(pattern, alert.level);
}

bool in_payload(const RE2& pattern, const Gap& gap) {
  return in_text(pattern, gap.reason);
}

bool test(const FilterCondition::Text& wanted, const FilterSubject& subject) {
  const RE2& pattern = *wanted.pattern;
  const auto in = [&](const auto* payload) {
    return payload != nullptr && in_payload(pattern, *payload);
  };
  return in_text(pattern, subject.path) || in(subject.syscall) || in(subject.llm) ||
         in(subject.context) || in(subject.state) || in(subject.alert) || in(subject.gap);
}

bool test(const FilterCondition::Duration& wanted, const FilterSubject& subject) {
  if (subject.syscall != nullptr) return wanted.range.contains(subject.syscall->duration.count());
  if (subject.llm != nullptr && subject.llm->time_to_last_token.count() != 0)
    return wanted.range.contains(subject.llm->time_to_last_token.count());
  return false;
}

bool test(const FilterCondition::Tokens& wanted, const FilterSubject& subject) {
  if (subject.context != nullptr) return wanted.range.contains(subject.context->tokens);
  if (subject.llm == nullptr) return false;
  std::int64_t sum = 0;
  if (__builtin_add_overflow(subject.llm->request_tokens, subject.llm->response_tokens, &sum))
    sum = std::numeric_limits<std::int64_t>::max();
  return wanted.range.contains(sum);
}
}  // namespace

bool holds(const FilterCondition& condition, const FilterSubject& subject) {
  const bool met =
      std::visit([&](const auto& wanted) { return test(wanted, subject); }, condition.test);
  return met != condition.negated;
}

}  // namespace agdb

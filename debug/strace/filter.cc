#include "debug/strace/filter.h"

#include <algorithm>

#include "debug/strace/filter_condition.h"

namespace agdb {

Result<Filter> Filter::parse(std::string_view expression) {
  AGDB_TRY(FilterCondition condition, parse_condition(expression));
  Filter filter;
  filter.conditions_.push_back(std::make_shared<const FilterCondition>(std::move(condition)));
  return filter;
}

Result<Filter> Filter::parse_all(std::span<const std::string> expressions) {
  Filter filter;
  for (const std::string& expression : expressions) {
    AGDB_TRY(const Filter part, parse(expression));
    filter.require(part);
  }
  return filter;
}

void Filter::require(const Filter& other) {
  const auto more = other.conditions_;  // `other` may be this filter
  conditions_.insert(conditions_.end(), more.begin(), more.end());
}

bool Filter::matches(const FilterSubject& subject) const {
  return std::ranges::all_of(conditions_,
                             [&](const auto& condition) { return holds(*condition, subject); });
}

bool Filter::matches_everything() const {
  return conditions_.empty();
}

std::vector<std::string> Filter::unknown_names() const {
  std::vector<std::string> names;
  for (const auto& condition : conditions_)
    for (const std::string& name : condition->unknown_names)
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

FilterSubject subject_of(const Event& event, std::string_view path, ContextView& context) {
  FilterSubject subject;
  subject.pid = event.pid;
  subject.type = type_name(event.payload);
  subject.syscall = std::get_if<Syscall>(&event.payload);
  subject.llm = std::get_if<LlmResponse>(&event.payload);
  subject.state = std::get_if<StateChange>(&event.payload);
  subject.alert = std::get_if<Alert>(&event.payload);
  subject.gap = std::get_if<Gap>(&event.payload);
  subject.path = path;
  if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
    context = view_of(*change);
    subject.context = &context;
  }
  return subject;
}

FilterSubject LiveSubjects::subject(const Event& event) {
  const auto* call = std::get_if<Syscall>(&event.payload);
  const std::string_view path = call == nullptr ? "" : fds_.track(event.pid, *call);
  if (std::holds_alternative<ProcessEnd>(event.payload)) fds_.forget(event.pid);
  return subject_of(event, path, context_);
}

}  // namespace agdb

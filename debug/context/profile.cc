#include "debug/context/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "debug/context/rounding.h"
#include "debug/context/tool_names.h"
#include "runtime/events/token_estimate.h"

namespace agdb {
namespace {

// A tool result of more bytes than this, among the messages no longer in use, is dead weight.
constexpr std::size_t kLeakedBytes = 1000;
constexpr std::size_t kTopConsumers = 5;

// How many messages, from the newest, are in use, and how many before those were lately.
struct Windows {
  std::size_t active;
  std::size_t warm;
};

Windows windows_of(std::size_t messages) {
  return {std::max<std::size_t>(4, messages / 5), std::max<std::size_t>(6, 3 * messages / 10)};
}

ContextShare& share_of(ContextProfile& profile, const Message& message, std::size_t newer,
                       const Windows& windows) {
  if (newer < windows.active) return profile.active;
  if (newer < windows.active + windows.warm) return profile.warm;
  const bool leaked = message.role == "tool" && message.content.size() > kLeakedBytes;
  return leaked ? profile.leaked : profile.cold;
}

void add(ContextShare& share, std::int64_t tokens) {
  share.tokens += tokens;
  share.messages += 1;
}

double percentage(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return 0;
  return round1(static_cast<double>(part) / static_cast<double>(whole) * 100);
}

// Other roles take part in the total only.
std::string consumer_of(const Message& message, const std::string& tool) {
  if (message.role == "tool") return "tool:" + tool;
  return message.role == "user" || message.role == "assistant" ? message.role : "";
}

// The prompt, the two speakers, then the tools by name: the order among equals.
std::vector<ContextConsumer> consumers(bool has_prompt, std::int64_t prompt_tokens,
                                       std::map<std::string, std::int64_t> by_kind) {
  std::vector<ContextConsumer> list;
  if (has_prompt) list.push_back({"system_prompt", prompt_tokens});
  for (const char* speaker : {"user", "assistant"})
    if (by_kind[speaker] > 0) list.push_back({speaker, by_kind[speaker]});
  for (const auto& [kind, tokens] : by_kind)
    if (kind.starts_with("tool:")) list.push_back({kind, tokens});
  return list;
}

void rank(std::vector<ContextConsumer>& list, std::int64_t total_tokens) {
  std::ranges::stable_sort(list, std::ranges::greater(), &ContextConsumer::tokens);
  if (list.size() > kTopConsumers) list.resize(kTopConsumers);
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].pct = percentage(list[i].tokens, total_tokens);
    list[i].rank = static_cast<int>(i) + 1;
  }
}

double pct_of(const std::vector<ContextConsumer>& list, std::string_view kind_prefix) {
  double sum = 0;
  for (const ContextConsumer& consumer : list)
    if (consumer.kind.starts_with(kind_prefix)) sum += consumer.pct;
  // Tenths add up inexactly; the limits are strict.
  return round1(sum);
}

}  // namespace

std::vector<const Message*> borrow(std::span<const MessagePtr> messages) {
  std::vector<const Message*> list;
  list.reserve(messages.size());
  for (const MessagePtr& message : messages) list.push_back(message.get());
  return list;
}

std::vector<const Message*> borrow(std::span<const Message> messages) {
  std::vector<const Message*> list;
  list.reserve(messages.size());
  for (const Message& message : messages) list.push_back(&message);
  return list;
}

ContextProfile profile_context(const ProfileInput& input) {
  ContextProfile profile;
  profile.pid = input.pid;
  profile.ctx_id = input.ctx_id;
  profile.tokens_used = input.tokens_used;
  profile.context_budget = input.context_budget;

  const bool has_prompt = !input.system_prompt.empty();
  const std::int64_t prompt_tokens = estimate_tokens(input.system_prompt);
  if (has_prompt) add(profile.active, prompt_tokens);

  const std::vector<std::string> tools = tool_names(input.messages);
  const Windows windows = windows_of(input.messages.size());
  std::map<std::string, std::int64_t> by_kind;
  for (std::size_t i = 0; i < input.messages.size(); ++i) {
    const Message& message = *input.messages[i];
    const std::int64_t tokens = estimate_tokens(message);
    add(share_of(profile, message, input.messages.size() - 1 - i, windows), tokens);
    by_kind[consumer_of(message, tools[i])] += tokens;
  }

  ContextShare* const shares[] = {&profile.active, &profile.warm, &profile.cold, &profile.leaked};
  for (const ContextShare* share : shares) profile.total_tokens += share->tokens;
  for (ContextShare* share : shares) share->pct = percentage(share->tokens, profile.total_tokens);
  profile.top_consumers = consumers(has_prompt, prompt_tokens, std::move(by_kind));
  rank(profile.top_consumers, profile.total_tokens);
  profile.suggestions = suggest(profile);
  return profile;
}

std::vector<std::string> suggest(const ContextProfile& profile) {
  std::vector<std::string> advice;
  if (profile.total_tokens == 0) return advice;
  if (pct_of(profile.top_consumers, "system_prompt") > 25)
    advice.emplace_back("System prompt uses >25% of context; consider trimming");
  if (pct_of(profile.top_consumers, "tool:") > 50)
    advice.emplace_back("Tool results dominate context; consider more concise tool outputs");
  if (profile.leaked.messages > 0)
    advice.push_back(
        fmt::format("Found {} leaked tool result(s) using ~{} tokens; consider pruning unused tool "
                    "outputs",
                    profile.leaked.messages, profile.leaked.tokens));
  if (profile.cold.pct > 40)
    advice.push_back(
        fmt::format("{:.0f}% of context is cold; consider context compaction", profile.cold.pct));
  const auto budget = static_cast<double>(profile.context_budget);
  if (budget > 0 && static_cast<double>(profile.total_tokens) / budget * 100 > 80)
    advice.emplace_back("Context is near budget limit; optimization recommended");
  return advice;
}

}  // namespace agdb

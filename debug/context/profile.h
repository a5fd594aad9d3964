#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/ids.h"
#include "runtime/events/json.h"
#include "runtime/events/message.h"

namespace agdb {

// What fills a context: how much of it is in use, who takes most of it, what could go.

struct ProfileInput {
  Pid pid{};
  CtxId ctx_id{};
  std::int64_t tokens_used = 0;     // spent so far; passed through
  std::int64_t context_budget = 0;  // 0 = no limit
  std::string_view system_prompt = {};
  std::vector<const Message*> messages = {};  // borrowed; none is null
};

// The messages as a ProfileInput wants them, from a live context or a restored one. Valid as long
// as they live.
std::vector<const Message*> borrow(std::span<const MessagePtr> messages);
std::vector<const Message*> borrow(std::span<const Message> messages);

// A part of the context. Tokens are estimates.
struct ContextShare {
  std::int64_t tokens = 0;
  std::int64_t messages = 0;
  double pct = 0;  // of all tokens, one decimal

  bool operator==(const ContextShare&) const = default;
};

struct ContextConsumer {
  std::string kind;  // "system_prompt", "user", "assistant", "tool:<name>"
  std::int64_t tokens = 0;
  double pct = 0;
  int rank = 0;  // from 1

  bool operator==(const ContextConsumer&) const = default;
};

struct ContextProfile {
  Pid pid{};
  CtxId ctx_id{};
  std::int64_t tokens_used = 0;
  std::int64_t context_budget = 0;
  std::int64_t total_tokens = 0;
  ContextShare active;                         // the system prompt and the newest messages
  ContextShare warm;                           // those before them
  ContextShare cold;                           // the rest, but for
  ContextShare leaked;                         // large tool results among the rest
  std::vector<ContextConsumer> top_consumers;  // at most 5, the largest first
  std::vector<std::string> suggestions;

  bool operator==(const ContextProfile&) const = default;
};

ContextProfile profile_context(const ProfileInput& input);

// What a profile with these shares, consumers and totals advises; its own `suggestions` are not
// read.
std::vector<std::string> suggest(const ContextProfile& profile);

// Keys: pid ctx_id tokens_used context_budget total_tokens classification{active,warm,cold,leaked:
// {tokens,messages,pct}} top_consumers[{kind,tokens,pct,rank}] suggestions[].
Json profile_json(const ContextProfile& profile);
std::string profile_text(const ContextProfile& profile);

}  // namespace agdb

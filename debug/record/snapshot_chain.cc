#include "debug/record/snapshot_chain.h"

#include <algorithm>

#include "runtime/events/token_estimate.h"

namespace agdb {
namespace {

// What a snapshot's line takes beside its prompt and messages, about.
constexpr std::uint64_t kLineOverhead = 220;

std::int64_t tokens_of(const std::vector<MessagePtr>& messages, std::size_t from) {
  std::int64_t sum = 0;
  for (std::size_t i = from; i < messages.size(); ++i) sum += estimate_tokens(*messages[i]);
  return sum;
}

std::int64_t tokens_of(const std::shared_ptr<const std::string>& prompt) {
  return prompt == nullptr ? 0 : estimate_tokens(std::string_view(*prompt));
}

bool tells_all(const ContextChange& change) {
  return change.keep == 0 && change.system_prompt != nullptr;
}

}  // namespace

bool SnapshotChain::take(const ContextChange& change) {
  auto known = contexts_.find(change.ctx_id);
  if (known == contexts_.end()) {
    // Before any loss it is the context's first change, even if nobody told a prompt.
    if (!tells_all(change) && (change.keep > 0 || lost_any_)) return false;
    known = contexts_.emplace(change.ctx_id, Context{}).first;
    known->second.prompt = std::make_shared<const std::string>();
    known->second.prompt_hash = xxh3_128({});
  } else if (!tells_all(change) && !fits(known->second, change)) {
    known->second.knowledge = Context::Knowledge::kUnknown;
    return false;
  }
  Context& context = known->second;
  const auto keep = static_cast<std::size_t>(change.keep);
  context.messages.resize(keep);
  context.hashes.resize(std::min(context.hashes.size(), keep));
  context.ends.resize(context.hashes.size());
  context.messages.insert(context.messages.end(), change.messages.begin(), change.messages.end());
  context.keep = std::min(context.keep, change.keep);
  if (change.system_prompt != nullptr) {
    context.prompt = change.system_prompt;
    context.prompt_hash = xxh3_128(*context.prompt);
    context.prompt_changed = true;
  }
  context.tokens = change.tokens;
  context.knowledge = Context::Knowledge::kSure;
  return true;
}

bool SnapshotChain::fits(const Context& context, const ContextChange& change) {
  if (change.keep > context.messages.size()) return false;
  if (context.knowledge == Context::Knowledge::kSure) return true;
  if (context.knowledge == Context::Knowledge::kUnknown) return false;
  // Nothing was lost of this context if its size before the change was what we think it was.
  std::int64_t expected = context.tokens;
  expected -= tokens_of(context.messages, static_cast<std::size_t>(change.keep));
  expected += tokens_of(change.messages, 0);
  if (change.system_prompt != nullptr)
    expected += tokens_of(change.system_prompt) - tokens_of(context.prompt);
  return expected == change.tokens;
}

bool SnapshotChain::wants_delta(const Context& context, std::uint64_t new_bytes) {
  if (context.base == SeqNum{}) return false;
  const std::uint64_t prompt = context.prompt->size();
  const std::uint64_t messages = context.ends.empty() ? 0 : context.ends.back();
  const std::uint64_t delta = kLineOverhead + new_bytes + (context.prompt_changed ? prompt : 0);
  const std::uint64_t full = kLineOverhead + prompt + messages;
  return context.chain_bytes + delta <= 2 * full;
}

void SnapshotChain::append_messages(std::string& out, Context& context, std::size_t from,
                                    std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (i > from) out += ',';
    const std::size_t begin = out.size();
    append_json(out, *context.messages[i]);
    if (i < context.hashes.size()) continue;
    const std::string_view json = std::string_view(out).substr(begin);
    context.hashes.push_back(xxh3_128(json));
    context.ends.push_back((context.ends.empty() ? 0 : context.ends.back()) + json.size() + 1);
  }
}

void SnapshotChain::append_line(std::string& out, const LineHead& head, CtxId ctx) {
  Context& context = contexts_.at(ctx);
  const std::size_t count = context.messages.size();
  const auto kept = context.base == SeqNum{} ? 0 : static_cast<std::size_t>(context.keep);
  messages_.clear();
  append_messages(messages_, context, kept, count);
  const bool delta = wants_delta(context, messages_.size());
  if (!delta && kept > 0) {
    messages_.clear();
    append_messages(messages_, context, 0, count);
  }
  context.last_was_delta = delta;
  const SnapshotText snapshot{
      .kind = delta ? ContextSnapshot::Kind::kDelta : ContextSnapshot::Kind::kFull,
      .ctx_id = ctx,
      .base = context.base,
      .keep = context.keep,
      .system_prompt = !delta || context.prompt_changed ? context.prompt.get() : nullptr,
      .messages = messages_,
      .tokens = context.tokens,
      .hash = context_hash(context.prompt_hash, context.hashes),
  };
  agdb::append_line(out, head, snapshot);
}

void SnapshotChain::written(CtxId ctx, SeqNum seq_num, std::uint64_t bytes) {
  Context& context = contexts_.at(ctx);
  context.chain_bytes = bytes + (context.last_was_delta ? context.chain_bytes : 0);
  context.base = seq_num;
  context.keep = context.messages.size();
  context.prompt_changed = false;
}

void SnapshotChain::restart() {
  for (auto& [id, context] : contexts_) context.base = SeqNum{};
}

void SnapshotChain::doubt() {
  lost_any_ = true;
  restart();
  for (auto& [id, context] : contexts_) {
    if (context.knowledge == Context::Knowledge::kSure)
      context.knowledge = Context::Knowledge::kDoubtful;
  }
}

std::vector<CtxId> SnapshotChain::unwritten() const {
  std::vector<CtxId> ids;
  for (const auto& [id, context] : contexts_) {
    if (context.knowledge == Context::Knowledge::kSure && context.base == SeqNum{})
      ids.push_back(id);
  }
  return ids;
}

void SnapshotChain::forget(CtxId ctx) {
  contexts_.erase(ctx);
}

}  // namespace agdb

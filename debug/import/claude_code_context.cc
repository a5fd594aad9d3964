#include "debug/import/claude_code_context.h"

#include <algorithm>

namespace agdb {

ClaudeContext::ClaudeContext() : entries_(1) {}

ClaudeContext::Moment ClaudeContext::resolve(Moment moment) const {
  while (moment.entry != 0 && entries_[moment.entry].now_as != 0) {
    moment.entry = entries_[moment.entry].now_as;
    moment.epoch = entries_[moment.entry].epoch;
  }
  return moment;
}

bool ClaudeContext::holds(Moment moment) const {
  moment = resolve(moment);
  if (moment.entry == 0 || moment.epoch != epoch_) return false;
  const std::size_t depth = entries_[moment.entry].depth;
  return depth <= stack_.size() && stack_[depth - 1] == moment.entry;
}

bool ClaudeContext::is_left(Moment moment) const {
  moment = resolve(moment);
  return moment.entry != 0 && moment.epoch == epoch_ && !holds(moment);
}

std::vector<ClaudeContext::Moment> ClaudeContext::between(Moment first, Moment last) const {
  std::vector<Moment> moments;
  for (std::size_t at = place_of(first); at <= place_of(last); ++at)
    moments.push_back({stack_[at], epoch_});
  return moments;
}

bool ClaudeContext::needs_move(Moment moment) const {
  moment = resolve(moment);
  if (moment.epoch != epoch_ || moment.entry == now().entry) return false;
  const bool is_on_path = moment.entry == 0 || holds(moment);
  return !is_on_path || entries_[now().entry].newest_open > entries_[moment.entry].depth;
}

ClaudeContext::Move ClaudeContext::go_to(Moment moment) {
  if (!needs_move(moment)) return {};
  moment = resolve(moment);
  const std::size_t depth = entries_[moment.entry].depth;
  std::vector<std::size_t> branch;
  for (std::size_t at = moment.entry; at != 0 && !holds({at, epoch_}); at = entries_[at].parent)
    branch.push_back(at);
  std::reverse(branch.begin(), branch.end());
  Move move{.is_needed = true, .keep = depth - branch.size(), .again = {}};
  stack_.resize(move.keep);
  for (const std::size_t at : branch) {
    move.again.push_back(entries_[at].source);
    stack_.push_back(at);
  }
  return move;
}

ClaudeContext::Moment ClaudeContext::push(Source source, Weight weight,
                                          std::optional<WallTime> time, bool is_answer) {
  const std::size_t below = now().entry;
  Entry entry;
  entry.parent = below;
  entry.depth = stack_.size() + 1;
  entry.newest_open = weight == Weight::kOpens ? entry.depth : entries_[below].newest_open;
  entry.epoch = epoch_;
  entry.source = source;
  entry.weight = weight;
  entry.time = time;
  entry.answer = is_answer ? source.item : entries_[below].answer;
  stack_.push_back(entries_.size());
  entries_.push_back(entry);
  return now();
}

std::optional<std::size_t> ClaudeContext::answer_at(Moment moment) const {
  return entries_[resolve(moment).entry].answer;
}

std::optional<WallTime> ClaudeContext::newest() const {
  return entries_[now().entry].time;
}

void ClaudeContext::begin_epoch() {
  stack_.clear();
  ++epoch_;
}

void ClaudeContext::keep_over_epoch(Moment old, Source source) {
  const std::size_t at = resolve(old).entry;
  if (at == 0 || entries_[at].epoch == epoch_) return;
  const Weight weight = entries_[at].weight;
  push(source, weight, entries_[at].time);
  entries_[at].now_as = stack_.back();
  // Shortens the way for those who know it by its first place.
  if (old.entry != 0) entries_[old.entry].now_as = stack_.back();
}

}  // namespace agdb

#include "debug/import/claude_code_calls.h"

#include <algorithm>
#include <utility>

namespace agdb {

void ClaudeCalls::add(ClaudeCall call) {
  SameId& same = by_id_[call.id];
  same.newest = calls_.size();
  same.open.push_back(calls_.size());
  calls_.push_back(std::move(call));
}

ClaudeCall* ClaudeCalls::close(std::string_view id) {
  const auto at = by_id_.find(std::string(id));
  if (at == by_id_.end() || at->second.open.empty()) return nullptr;
  ClaudeCall& call = calls_[at->second.open.back()];
  at->second.open.pop_back();
  return &call;
}

const ClaudeCall* ClaudeCalls::open(std::string_view id) const {
  const auto at = by_id_.find(std::string(id));
  if (at == by_id_.end() || at->second.open.empty()) return nullptr;
  return &calls_[at->second.open.back()];
}

const ClaudeCall* ClaudeCalls::newest(std::string_view id) const {
  const auto at = by_id_.find(std::string(id));
  return at == by_id_.end() ? nullptr : &calls_[at->second.newest];
}

bool ClaudeCalls::has_open_call(std::size_t answer) const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [&](const ClaudeCall& call) { return call.answer == answer && !call.result; });
}

}  // namespace agdb

#include "debug/import/claude_code_calls.h"

#include <algorithm>
#include <utility>

namespace agdb {

void ClaudeCalls::add(ClaudeCall call) {
  by_id_[call.id].push_back(calls_.size());
  calls_.push_back(std::move(call));
}

ClaudeCall* ClaudeCalls::close(std::string_view id) {
  const auto at = by_id_.find(std::string(id));
  if (at == by_id_.end() || at->second.empty()) return nullptr;
  ClaudeCall& call = calls_[at->second.back()];
  at->second.pop_back();
  return &call;
}

const ClaudeCall* ClaudeCalls::open(std::string_view id) const {
  const auto at = by_id_.find(std::string(id));
  if (at == by_id_.end() || at->second.empty()) return nullptr;
  return &calls_[at->second.back()];
}

bool ClaudeCalls::has_open_call(std::size_t answer) const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [&](const ClaudeCall& call) { return call.answer == answer && !call.result; });
}

}  // namespace agdb

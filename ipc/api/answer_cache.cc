#include "ipc/api/answer_cache.h"

namespace agdb {

std::optional<HttpResponse> AnswerCache::find(const std::string& target, std::int64_t version) {
  const std::scoped_lock lock(mutex_);
  if (version != version_) return std::nullopt;
  const auto found = answers_.find(target);
  if (found == answers_.end()) return std::nullopt;
  return found->second;
}

void AnswerCache::keep(const std::string& target, std::int64_t version,
                       const HttpResponse& answer) {
  const std::size_t bytes = target.size() + answer.body.size();
  if (answer.source || answer.events || bytes > kMaxAnswer) return;
  const std::scoped_lock lock(mutex_);
  if (version != version_ || bytes_ + bytes > kMaxBytes) {
    answers_.clear();
    bytes_ = 0;
    version_ = version;
  }
  if (answers_.emplace(target, answer).second) bytes_ += bytes;
}

}  // namespace agdb

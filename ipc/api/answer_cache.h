#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "ipc/http/http_message.h"

namespace agdb {

// Answers that stay the same until the store of runs changes, by their targets as they were asked.
// When the store has changed, and when there are too many, all go. Any thread.
class AnswerCache {
 public:
  static constexpr std::size_t kMaxBytes = 16 << 20;
  static constexpr std::size_t kMaxAnswer = 64 << 10;  // longer ones are not kept

  // `version` is the store's, as it is now.
  std::optional<HttpResponse> find(const std::string& target, std::int64_t version);
  // `version` is the store's, as it was before the answer was made.
  void keep(const std::string& target, std::int64_t version, const HttpResponse& answer);

 private:
  std::mutex mutex_;  // all below
  std::int64_t version_ = 0;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, HttpResponse> answers_;
};

}  // namespace agdb

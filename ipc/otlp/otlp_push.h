#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/otlp/otlp_url.h"
#include "ipc/otlp/retry.h"
#include "runtime/events/clock.h"
#include "runtime/events/result.h"

namespace agdb {

struct OtlpPushOptions {
  bool gzip = true;
  RetryRules retry = {};
  Nanoseconds timeout =
      std::chrono::seconds(30);  // of one attempt: connecting, sending, the answer
  std::size_t max_response_bytes = std::size_t{4} << 20;
  // How it waits between attempts; false: give up. Unset: it sleeps.
  std::function<bool(Nanoseconds)> wait;
  // In [0, 1). Unset: the system's.
  std::function<double()> random;
  std::function<void(const std::string& line)> note;  // told of retries; may be unset
};

// Sends ExportTraceServiceRequests to a collector (README.md has the rules). One thread.
class OtlpPush {
 public:
  explicit OtlpPush(OtlpUrl url, OtlpPushOptions options = {});
  ~OtlpPush();
  OtlpPush(const OtlpPush&) = delete;
  OtlpPush& operator=(const OtlpPush&) = delete;

  // Returns when the collector has taken it. Errors: kUnavailable (all attempts failed), kInvalid
  // (it was refused), kCancelled (the wait was given up), kCorrupt (the answer is no HTTP or too
  // long).
  Status send(std::string_view request);

  std::uint64_t sent() const { return sent_; }  // requests
  std::uint64_t retries() const { return retries_; }
  // Of partial successes.
  std::uint64_t rejected_spans() const { return rejected_; }
  const std::string& rejected_why() const { return rejected_why_; }  // what the last one said

 private:
  struct Http;
  struct Answer;

  Status settle(const Answer& answer);
  Status wait_for_attempt(unsigned attempt, const Answer* answer, const Error& why);
  void note_partial_success(const std::string& body);

  OtlpUrl url_;
  OtlpPushOptions options_;
  std::unique_ptr<Http> http_;
  std::uint64_t sent_ = 0;
  std::uint64_t retries_ = 0;
  std::uint64_t rejected_ = 0;
  std::string rejected_why_;
};

}  // namespace agdb

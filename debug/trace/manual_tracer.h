#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/clock.h"
#include "runtime/events/json.h"

namespace agdb {

// Flat spans by hand, from any number of threads:
//
//   ManualTracer tracer(clock);
//   const auto id = tracer.start("fetch", Json::object({{"url", url}}));
//   …
//   tracer.end(id, Json::object({{"status", 200}}));
//   send(tracer.flush().records);
//
// Whoever forgets to end or to flush costs a bounded amount of memory: see Limits.
class ManualTracer {
 public:
  // From 1; behind the largest comes 1 again. Never one that is still open.
  using Id = std::uint32_t;

  struct Record {
    Id id = 0;
    std::string name;
    WallTime started_at{};
    Nanoseconds duration{0};  // monotonic; of an instant 0
    Json attributes;
    Json result;
    bool evicted = false;  // ended by the tracer and not by its caller

    // {"id","name","started_at" (ms since 1970),"duration_ms","attributes","result"[,"evicted"]}
    Json to_json() const;
  };

  struct Limits {
    std::size_t open = 10'000;       // beyond, the one that is open longest ends as evicted
    std::size_t finished = 100'000;  // beyond, the oldest goes, and is counted
    // Open ones end as evicted once they are that old, at the next call.
    Nanoseconds open_time = std::chrono::hours(1);
  };

  // The clock outlives it.
  explicit ManualTracer(const Clock& clock) : ManualTracer(clock, Limits()) {}
  ManualTracer(const Clock& clock, const Limits& limits);

  Id start(std::string_view name, Json attributes = {});
  // The error of an id that is not open: "span not found: 7".
  Result<Record> end(Id id, Json result = {});
  Record instant(std::string_view name, Json attributes = {});

  struct Flushed {
    std::vector<Record> records;  // finished since the last flush, in that order
    std::uint64_t dropped = 0;    // finished since then, but too many to be kept
  };
  Flushed flush();

 private:
  struct Open {
    Record record;
    Nanoseconds start{0};
  };
  Id next_id();
  Record close(std::map<std::uint64_t, Open>::iterator open, Nanoseconds now, bool evicted);
  void keep(const Record& record);
  void evict_old(Nanoseconds now);

  const Clock& clock_;
  const Limits limits_;
  std::mutex mutex_;
  Id last_id_ = 0;
  std::uint64_t last_order_ = 0;
  std::map<std::uint64_t, Open> open_;    // in the order of their starts
  std::map<Id, std::uint64_t> order_of_;  // of those
  std::deque<Record> finished_;
  std::uint64_t dropped_ = 0;
};

}  // namespace agdb

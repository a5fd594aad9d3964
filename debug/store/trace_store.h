#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "debug/store/run_trace.h"
#include "runtime/events/clock.h"
#include "runtime/events/result.h"

namespace agdb {

struct StoreOptions {
  // How many traces are kept; the oldest (smallest id) goes first. 1 … 50,000,000.
  std::int64_t capacity = 1'000'000;
  // Events beyond are cut off a trace.
  std::size_t max_events_per_trace = 200;
  // false: record and reserve_id answer 0 and keep nothing.
  bool enabled = true;
};

// All that is given must hold.
struct RunFilter {
  std::optional<std::string> flow_name = {};
  std::optional<RunStatus> status = {};
  std::optional<std::string> client_key = {};
  std::optional<std::int64_t> min_latency_ms = {};
  std::optional<bool> has_errors = {};
  std::optional<std::string> tag = {};  // of one of its annotations
  // Unix seconds: since <= timestamp < until.
  std::optional<std::int64_t> since = {};
  std::optional<std::int64_t> until = {};

  bool empty() const { return *this == RunFilter{}; }
  bool operator==(const RunFilter&) const = default;
};

// Which part of an answer is wanted. For the next page `before` is the id of the last one had.
struct RunPage {
  std::size_t limit = 50;
  StoredId before{};  // only traces with smaller ids; 0 = from the newest
};

struct RunSums {
  std::int64_t count = 0;
  std::int64_t with_errors = 0;  // traces whose errors are not 0
  std::int64_t latency_ms = 0;
  std::int64_t max_latency_ms = 0;
  std::int64_t steps = 0;
  std::int64_t tokens_input = 0;
  std::int64_t tokens_output = 0;
  std::int64_t anchor_checks = 0;
  std::int64_t anchor_breaches = 0;
  std::int64_t errors = 0;
  std::int64_t retries = 0;

  bool operator==(const RunSums&) const = default;
};

struct FlowCount {
  std::string flow_name;
  std::int64_t count = 0;

  bool operator==(const FlowCount&) const = default;
};

// Kept, not counted anew.
struct StoreStats {
  std::int64_t total_recorded = 0;                // since the store began, with those that are gone
  RunSums buffered;                               // the traces that are there
  RunSums ever;                                   // all that were recorded; sums stay at 9 * 10^18
  std::vector<FlowCount> top_flows;               // ten, by count, then name
  std::map<std::string, std::int64_t> by_status;  // of those that are there; only what occurs
  std::map<std::string, std::int64_t> ever_by_status;

  double avg_latency_ms() const {
    return buffered.count == 0
               ? 0
               : static_cast<double>(buffered.latency_ms) / static_cast<double>(buffered.count);
  }
};

struct FlowAggregate {
  std::string flow_name;
  std::int64_t count = 0;
  double avg_latency_ms = 0;
  std::int64_t with_errors = 0;

  bool operator==(const FlowAggregate&) const = default;
};

// Percentiles are by nearest rank and exact: each is the latency of a trace.
struct RunAggregate {
  std::int64_t count = 0;
  double error_rate = 0;  // share of traces with errors
  double avg_latency_ms = 0;
  std::int64_t min_latency_ms = 0;
  std::int64_t max_latency_ms = 0;
  std::int64_t p50_latency_ms = 0;
  std::int64_t p95_latency_ms = 0;
  std::int64_t p99_latency_ms = 0;
  std::int64_t total_tokens = 0;
  double avg_steps = 0;
  std::vector<FlowAggregate> flows;  // by count, then name

  bool operator==(const RunAggregate&) const = default;
};

// The traces of all runs, in one file: kept for months, found in milliseconds.
//
//   AGDB_TRY(TraceStore store, TraceStore::open(".agdb/store.db", clock));
//   AGDB_TRY(StoredId id, store.record(trace));
//   AGDB_TRY(std::vector<RunSummary> failed, store.recent({.limit = 50}, {.status = kFailed}));
//
// Several processes may have one file open; they wait for each other up to ten seconds, then the
// error is kUnavailable. Any thread; calls that only read go on beside each other and beside one
// that writes. What a call that writes has returned for is on the disk; a trace is there whole or
// not at all.
//
// Texts are cut, by whole characters, at 1,000 bytes (names), 4,000 (details) and 16,000 (texts of
// annotations); bytes that are not UTF-8 become U+FFFD. Numbers out of range, more than 100 tags
// an annotation or 10,000 annotations a trace, and ids that were never given out are errors
// (kInvalid).
class TraceStore {
 public:
  // Makes the file (0600) and its folder (0700) where they are missing. A file that is damaged
  // (its size, its structure, its newest and oldest traces; a small one is gone through as a
  // whole) is renamed to "<path>.corrupt-N" and begun anew: notes() says so, and
  // lacks_recorded_runs() until it was filled. Errors: a newer version of the format
  // (kUnsupported), another program's database (kInvalid), those of the disk.
  // `clock` outlives the store.
  static Result<TraceStore> open(const std::string& path, const Clock& clock,
                                 const StoreOptions& options = {});
  TraceStore(TraceStore&&) noexcept;
  TraceStore& operator=(TraceStore&&) noexcept;
  ~TraceStore();

  const std::string& path() const;
  // Lines for a person, about what was found when opening. Empty when all is well.
  const std::vector<std::string>& notes() const;

  // Sets the id, the time where the trace has none, and takes it in; the oldest goes where there is
  // no room.
  Result<StoredId> record(const RunTrace& trace);
  // Many at once: all of them or, on an error, none. Hundreds of times as fast as one by one.
  Result<std::vector<StoredId>> record_all(std::span<const RunTrace> traces);
  // As record; but a trace of the same run_id is replaced: it keeps its id, annotations and
  // correlation. REQUIRES: trace.run_id is not empty.
  Result<StoredId> record_run(const RunTrace& trace);
  // An id for a trace that is yet to come. Counts for nothing until then.
  Result<StoredId> reserve_id();
  // Error for an id that was never reserved, or that a trace has.
  Status record_with_id(const RunTrace& trace, StoredId id);

  // Error when it is not there: trace 7 not found.
  Result<RunTrace> get(StoredId id) const;
  // Of the run with that run_id; nothing where there is none.
  Result<std::optional<RunTrace>> find_run(std::string_view run_id) const;
  // Newest first.
  Result<std::vector<RunSummary>> recent(const RunPage& page, const RunFilter& filter = {}) const;
  // As recent, with events and annotations.
  Result<std::vector<RunTrace>> recent_whole(const RunPage& page,
                                             const RunFilter& filter = {}) const;
  // Those that contain the text as a substring, whatever the case of either, in flow, source,
  // backend, client, a step's name, a detail, or an annotation's text or tag. Newest first. Control
  // characters and blanks are alike to it; nothing in the text has a meaning. Under three
  // characters all traces are gone through, newest first. Error: over 1,000 bytes.
  Result<std::vector<RunSummary>> search(std::string_view text, const RunPage& page,
                                         const RunFilter& filter = {}) const;
  // Every trace that fits, newest first, with events and annotations; the store can be written
  // meanwhile. Ends when `visit` answers false.
  using Visit = std::function<bool(const RunTrace&)>;
  Status for_each(const RunFilter& filter, const Visit& visit) const;
  // For who keeps answers: as long as this is the same, nobody has written through this object, and
  // until a millisecond ago nobody else has, in this or another process. Any thread; mostly below a
  // microsecond.
  Result<std::int64_t> version() const;
  Result<std::int64_t> len() const;
  Result<std::int64_t> total_recorded() const;

  // Sets the annotation's time. Error when the trace is not there.
  Status annotate(StoredId id, const RunAnnotation& annotation);
  // How many were there to be annotated. An id that stands twice counts once.
  Result<std::size_t> bulk_annotate(std::span<const StoredId> ids, const RunAnnotation& annotation);
  Status set_correlation(StoredId id, std::string_view correlation_id);
  // Newest first. None for an empty text.
  Result<std::vector<RunSummary>> by_correlation(std::string_view correlation_id) const;

  // Whether this file was begun anew beside a damaged one, and nobody has said since that what
  // recordings tell of is in it again.
  Result<bool> lacks_recorded_runs() const;
  Status has_recorded_runs();

  // For moments in which nobody waits: some milliseconds of work that makes searches faster, where
  // a quarter of the traces has come since it was done. False: there is nothing to do.
  Result<bool> tidy();

  // How many were there.
  Result<std::size_t> bulk_delete(std::span<const StoredId> ids);
  // All traces go; ids and total_recorded stay.
  Status clear();
  // Removes the traces older than the age that is set; record does it too. How many went.
  Result<std::size_t> evict_expired();
  // Stays with the file. 0 = no limit. Returns what was set before.
  Result<std::int64_t> set_max_age_secs(std::int64_t seconds);

  Result<StoreStats> stats() const;
  // Of the traces not older than that; 0 = of all.
  Result<RunAggregate> aggregate(std::int64_t window_secs) const;
  // How many traces have a latency of [2^(k-1), 2^k) ms, by k; k = 0: of 0 ms. Kept, not counted.
  Result<std::map<int, std::int64_t>> latency_histogram() const;

 private:
  struct Impl;
  explicit TraceStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb

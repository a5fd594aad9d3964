#include "debug/store/trace_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

#include "debug/store/aggregate.h"
#include "debug/store/connections.h"
#include "debug/store/run_query.h"
#include "debug/store/run_rows.h"
#include "debug/store/schema.h"
#include "debug/store/search_text.h"
#include "debug/store/settings.h"
#include "debug/store/store_file.h"
#include "debug/store/text_order.h"
#include "debug/store/totals.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::int64_t kMaxCapacity = 50'000'000;
constexpr std::size_t kMaxSearchBytes = 1000;
// Traces that one transaction takes away, so that others get their turn between.
constexpr std::int64_t kMostAtOnce = 1000;
constexpr std::size_t kPageOfAll = 500;
constexpr std::string_view kLacksRecordedRuns = "lacks_recorded_runs";

StoredId to_id(std::int64_t column) {
  return StoredId{static_cast<std::uint64_t>(column)};
}

std::unexpected<Error> not_found(StoredId id) {
  return fail(Code::kNotFound, fmt::format("trace {} not found", raw(id)),
              "`agdb runs list` shows what is there");
}

Result<std::optional<StoredId>> first_id(Database& database, std::string_view sql,
                                         std::string_view text) {
  AGDB_TRY(Query query, database.query(sql));
  query.bind(text);
  AGDB_TRY(const bool row, query.step());
  if (!row) return std::nullopt;
  return to_id(query.integer(0));
}

Result<std::optional<StoredId>> id_of_run(Database& database, std::string_view run_id) {
  return first_id(database,
                  "SELECT id FROM runs WHERE run_id = ? AND run_id <> '' ORDER BY id DESC LIMIT 1",
                  run_id);
}

// What one write transaction does, and then the sums that change with it.
class Change {
 public:
  Change(Database& database, const StoreOptions& options, std::int64_t now)
      : database_(database), options_(options), now_(now) {}

  Result<StoredId> next_id() {
    if (next_id_ == 0) {
      AGDB_TRY(next_id_, setting(database_, "next_id"));
    }
    return to_id(next_id_++);
  }

  Result<StoredId> append(const RunTrace& trace) {
    AGDB_CHECK_OK(check_trace(trace));
    AGDB_TRY(const StoredId id, next_id());
    AGDB_CHECK_OK(insert(trace, id, true));
    AGDB_CHECK_OK(keep_to_capacity());
    return id;
  }

  Status insert(const RunTrace& trace, StoredId id, bool first_time) {
    const std::int64_t timestamp = trace.timestamp == 0 ? now_ : trace.timestamp;
    if (is_clean(trace, options_.max_events_per_trace)) {
      AGDB_CHECK_OK(insert_rows(database_, trace, id, timestamp));
    } else {
      RunTrace cleaned = trace;
      clean(cleaned, options_.max_events_per_trace);
      for (RunAnnotation& annotation : cleaned.annotations)
        if (annotation.timestamp == 0) annotation.timestamp = now_;
      AGDB_CHECK_OK(insert_rows(database_, cleaned, id, timestamp));
      totals_.add(cleaned, first_time);
      return {};
    }
    totals_.add(trace, first_time);
    return {};
  }

  // Whether it was there.
  Result<bool> remove(StoredId id) {
    AGDB_TRY(const std::optional<RunTrace> trace, read_trace(database_, id));
    if (!trace) return false;
    AGDB_CHECK_OK(delete_rows(database_, *trace));
    totals_.remove(*trace);
    return true;
  }

  Status keep_to_capacity() {
    if (!had_) {
      AGDB_TRY(had_, live_count(database_));
    }
    while (*had_ + totals_.count() > options_.capacity) {
      AGDB_TRY(const std::int64_t oldest, database_.number("SELECT min(id) FROM runs"));
      AGDB_TRY(const bool removed, remove(to_id(oldest)));
      if (!removed) return fail(Code::kCorrupt, "the store's counts are not those of its traces");
    }
    return {};
  }

  // Removes traces older than the age that is set, as many as one transaction may. How many went.
  Result<std::size_t> evict_expired() {
    AGDB_TRY(const std::int64_t max_age, setting(database_, "max_age_secs"));
    if (max_age <= 0) return 0;
    std::vector<StoredId> expired;
    {
      AGDB_TRY(Query query,
               database_.query("SELECT id FROM runs INDEXED BY runs_by_time WHERE timestamp < ? "
                               "ORDER BY timestamp LIMIT ?"));
      query.bind(now_ - max_age).bind(kMostAtOnce);
      for (;;) {
        AGDB_TRY(const bool row, query.step());
        if (!row) break;
        expired.push_back(to_id(query.integer(0)));
      }
    }
    for (const StoredId id : expired) AGDB_CHECK_OK(remove(id));
    return expired.size();
  }

  // Last of all.
  Status finish() {
    if (next_id_ != 0) AGDB_CHECK_OK(set_setting(database_, "next_id", next_id_));
    return totals_.write(database_);
  }

  Database& database() { return database_; }

 private:
  Database& database_;
  const StoreOptions& options_;
  const std::int64_t now_;
  TotalsDelta totals_;
  std::int64_t next_id_ = 0;         // 0: not asked for yet
  std::optional<std::int64_t> had_;  // traces before this
};

Result<Database> open_sound(const std::string& path) {
  AGDB_CHECK_OK(make_store_file(path));
  AGDB_CHECK_OK(look_at_size(path));
  AGDB_TRY(Database database, Database::open(path));
  AGDB_CHECK_OK(prepare_schema(database, path));
  AGDB_CHECK_OK(look_for_damage(database, path));
  return database;
}

Status check_options(const StoreOptions& options) {
  if (options.capacity >= 1 && options.capacity <= kMaxCapacity) return {};
  return fail(Code::kInvalid, fmt::format("a capacity of {} traces is not within 1 and {}",
                                          options.capacity, kMaxCapacity));
}

// Whether a text stands in one of the texts of a trace. Most often it does in what is read already.
Result<bool> contains(Database& database, const RunSummary& summary, std::string_view folded) {
  RunTrace trace;
  static_cast<RunSummary&>(trace) = summary;
  if (fold_case(searchable_text(trace)).contains(folded)) return true;
  AGDB_CHECK_OK(read_details(database, trace));
  return fold_case(searchable_text(trace)).contains(folded);
}

// Moves those of the candidates that contain the text to `found`, up to so many.
Status take_containing(Database& database, std::string_view folded,
                       std::vector<RunSummary>& candidates, std::size_t wanted,
                       std::vector<RunSummary>& found) {
  for (RunSummary& run : candidates) {
    if (found.size() == wanted) break;
    AGDB_TRY(const bool fits, contains(database, run, folded));
    if (fits) found.push_back(std::move(run));
  }
  return {};
}

// A text too short for the index: all traces, newest first.
Result<std::vector<RunSummary>> search_all(Database& database, std::string_view text,
                                           const RunFilter& filter, const RunPage& page) {
  const std::string folded = fold_case(text);
  std::vector<RunSummary> found;
  RunPage next{.limit = kPageOfAll, .before = page.before};
  while (found.size() < page.limit) {
    AGDB_TRY(std::vector<RunSummary> runs, list_runs(database, filter, next));
    if (runs.empty()) break;
    next.before = runs.back().id;
    AGDB_CHECK_OK(take_containing(database, folded, runs, page.limit, found));
    if (runs.size() < next.limit) break;
  }
  return found;
}

// Asks quickly for as long as that finds what is wanted; where most of it is something else,
// checking it would cost more than to ask for the whole text.
Result<std::vector<RunSummary>> search_index(Database& database, std::string_view text,
                                             const RunFilter& filter, const RunPage& page) {
  const TextQuery query = text_query_of(text);
  if (query.quick.empty()) return list_matches(database, query.whole, filter, page);
  const std::string folded = fold_case(text);
  std::vector<RunSummary> found;
  std::size_t checked = 0;
  RunPage next = page;
  for (;;) {
    next.limit = checked == 0 ? std::min(page.limit, kPageOfAll) : kPageOfAll;
    AGDB_TRY(std::vector<RunSummary> runs, list_matches(database, query.quick, filter, next));
    const bool last = runs.size() < next.limit;
    if (!runs.empty()) next.before = runs.back().id;
    checked += runs.size();
    AGDB_CHECK_OK(take_containing(database, folded, runs, page.limit, found));
    if (last || found.size() == page.limit) return found;
    if (checked < kPageOfAll || found.size() * 4 >= checked) continue;
    next.limit = page.limit - found.size();
    AGDB_TRY(std::vector<RunSummary> rest, list_matches(database, query.whole, filter, next));
    std::ranges::move(rest, std::back_inserter(found));
    return found;
  }
}

Result<std::vector<RunSummary>> list_found(Database& database, std::string_view text,
                                           const RunFilter& filter, const RunPage& page) {
  return count_characters(text) < kMinIndexedCharacters
             ? search_all(database, text, filter, page)
             : search_index(database, text, filter, page);
}

}  // namespace

struct TraceStore::Impl {
  Impl(std::string file, const Clock& time, const StoreOptions& choice, Database writer)
      : path(std::move(file)),
        clock(time),
        options(choice),
        connections(path, clock, std::move(writer)) {}

  std::int64_t now() const {
    return std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
  }

  // A transaction that keeps the sums right.
  template <typename Work>
  auto change(const Work& work) -> decltype(work(std::declval<Change&>())) {
    return connections.write([&](Database& database) -> decltype(work(std::declval<Change&>())) {
      Change change(database, options, now());
      auto done = work(change);
      if (!done) return done;
      AGDB_CHECK_OK(change.finish());
      return done;
    });
  }

  const std::string path;
  const Clock& clock;
  const StoreOptions options;
  std::vector<std::string> notes;
  mutable Connections connections;
};

TraceStore::TraceStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TraceStore::TraceStore(TraceStore&&) noexcept = default;
TraceStore& TraceStore::operator=(TraceStore&&) noexcept = default;
TraceStore::~TraceStore() = default;

Result<TraceStore> TraceStore::open(const std::string& path, const Clock& clock,
                                    const StoreOptions& options) {
  AGDB_CHECK_OK(check_options(options));
  const std::string absolute = std::filesystem::absolute(path).lexically_normal().string();
  AGDB_CHECK_OK(make_store_file(absolute));
  AGDB_TRY(const FolderLock lock,
           FolderLock::take(std::filesystem::path(absolute).parent_path().string()));
  Result<Database> writer = open_sound(absolute);
  std::vector<std::string> notes;
  if (!writer && writer.error().code == Code::kCorrupt) {
    const std::string why = writer.error().message;
    AGDB_TRY(const std::string aside, set_aside(absolute));
    notes.push_back(fmt::format("{}; it was kept as {}, and a new one begun", why, aside));
    writer = open_sound(absolute);
    if (writer) AGDB_CHECK_OK(set_setting(*writer, kLacksRecordedRuns, 1));
  }
  if (!writer) return std::unexpected(std::move(writer).error());
  auto impl = std::make_unique<Impl>(absolute, clock, options, *std::move(writer));
  impl->notes = std::move(notes);
  return TraceStore(std::move(impl));
}

const std::string& TraceStore::path() const {
  return impl_->path;
}

const std::vector<std::string>& TraceStore::notes() const {
  return impl_->notes;
}

Result<StoredId> TraceStore::record(const RunTrace& trace) {
  AGDB_TRY(const std::vector<StoredId> ids, record_all({&trace, 1}));
  return ids.front();
}

Result<std::vector<StoredId>> TraceStore::record_all(std::span<const RunTrace> traces) {
  std::vector<StoredId> ids(impl_->options.enabled ? 0 : traces.size());
  if (!impl_->options.enabled || traces.empty()) return ids;
  return impl_->change([&](Change& change) -> Result<std::vector<StoredId>> {
    for (const RunTrace& trace : traces) {
      AGDB_TRY(const StoredId id, change.append(trace));
      ids.push_back(id);
    }
    AGDB_CHECK_OK(change.evict_expired());
    return std::move(ids);
  });
}

Result<StoredId> TraceStore::record_run(const RunTrace& trace) {
  if (trace.run_id.empty()) return fail(Code::kInvalid, "a trace without a run id");
  if (!impl_->options.enabled) return StoredId{};
  return impl_->change([&](Change& change) -> Result<StoredId> {
    AGDB_CHECK_OK(check_trace(trace));
    AGDB_TRY(const std::optional<StoredId> id,
             id_of_run(change.database(), clean_name(trace.run_id)));
    if (!id) return change.append(trace);
    AGDB_TRY(const std::optional<RunTrace> old, read_trace(change.database(), *id));
    if (!old) return not_found(*id);
    RunTrace anew = trace;
    anew.annotations = old->annotations;
    anew.correlation_id = old->correlation_id;
    AGDB_CHECK_OK(change.remove(*id));
    AGDB_CHECK_OK(change.insert(anew, *id, false));
    return *id;
  });
}

Result<StoredId> TraceStore::reserve_id() {
  if (!impl_->options.enabled) return StoredId{};
  return impl_->change([](Change& change) { return change.next_id(); });
}

Status TraceStore::record_with_id(const RunTrace& trace, StoredId id) {
  if (!impl_->options.enabled) return {};
  return impl_->change([&](Change& change) -> Status {
    AGDB_CHECK_OK(check_trace(trace));
    AGDB_TRY(const std::int64_t next, setting(change.database(), "next_id"));
    if (raw(id) == 0 || raw(id) >= static_cast<std::uint64_t>(next))
      return fail(Code::kInvalid, fmt::format("trace id {} was not reserved", raw(id)));
    AGDB_TRY(const std::optional<RunTrace> there, read_trace(change.database(), id));
    if (there) return fail(Code::kInvalid, fmt::format("trace {} is recorded already", raw(id)));
    AGDB_CHECK_OK(change.insert(trace, id, true));
    AGDB_CHECK_OK(change.keep_to_capacity());
    AGDB_CHECK_OK(change.evict_expired());
    return {};
  });
}

Result<RunTrace> TraceStore::get(StoredId id) const {
  return impl_->connections.read([&](Database& database) -> Result<RunTrace> {
    AGDB_TRY(std::optional<RunTrace> trace, read_trace(database, id));
    if (!trace) return not_found(id);
    return *std::move(trace);
  });
}

Result<std::optional<RunTrace>> TraceStore::find_run(std::string_view run_id) const {
  return impl_->connections.read([&](Database& database) -> Result<std::optional<RunTrace>> {
    AGDB_TRY(const std::optional<StoredId> id, id_of_run(database, clean_name(run_id)));
    if (!id) return std::nullopt;
    return read_trace(database, *id);
  });
}

Result<std::vector<RunSummary>> TraceStore::recent(const RunPage& page,
                                                   const RunFilter& filter) const {
  return impl_->connections.read(
      [&](Database& database) { return list_runs(database, filter, page); });
}

Result<std::vector<RunSummary>> TraceStore::search(std::string_view text, const RunPage& page,
                                                   const RunFilter& filter) const {
  if (text.size() > kMaxSearchBytes)
    return fail(Code::kInvalid, fmt::format("a text of {} bytes is searched for; at most {} may be",
                                            text.size(), kMaxSearchBytes));
  if (text.empty()) return recent(page, filter);
  const std::string wanted = blank_controls(to_utf8(text));
  return impl_->connections.read(
      [&](Database& database) { return list_found(database, wanted, filter, page); });
}

Result<std::vector<RunTrace>> TraceStore::recent_whole(const RunPage& page,
                                                       const RunFilter& filter) const {
  return impl_->connections.read([&](Database& database) -> Result<std::vector<RunTrace>> {
    AGDB_TRY(std::vector<RunSummary> runs, list_runs(database, filter, page));
    std::vector<RunTrace> whole(runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
      static_cast<RunSummary&>(whole[i]) = std::move(runs[i]);
      AGDB_CHECK_OK(read_details(database, whole[i]));
    }
    return whole;
  });
}

Status TraceStore::for_each(const RunFilter& filter, const Visit& visit) const {
  RunPage page{.limit = kPageOfAll};
  for (;;) {
    // A page at a time: a reader that stays in one state for long keeps the log growing.
    AGDB_TRY(const std::vector<RunTrace> traces, recent_whole(page, filter));
    for (const RunTrace& trace : traces)
      if (!visit(trace)) return {};
    if (traces.size() < page.limit) return {};
    page.before = traces.back().id;
  }
}

Result<std::int64_t> TraceStore::version() const {
  return impl_->connections.version();
}

Result<std::int64_t> TraceStore::len() const {
  return impl_->connections.read([](Database& database) { return live_count(database); });
}

Result<std::int64_t> TraceStore::total_recorded() const {
  AGDB_TRY(const StoreStats all, stats());
  return all.total_recorded;
}

Status TraceStore::annotate(StoredId id, const RunAnnotation& annotation) {
  AGDB_TRY(const std::size_t done, bulk_annotate({&id, 1}, annotation));
  if (done == 0) return not_found(id);
  return {};
}

Result<std::size_t> TraceStore::bulk_annotate(std::span<const StoredId> ids,
                                              const RunAnnotation& annotation) {
  AGDB_CHECK_OK(check_annotation(annotation));
  RunAnnotation kept = annotation;
  clean(kept);
  kept.timestamp = impl_->now();
  const std::set<StoredId> each(ids.begin(), ids.end());
  return impl_->connections.write([&](Database& database) -> Result<std::size_t> {
    std::size_t done = 0;
    for (const StoredId id : each) {
      AGDB_TRY(std::optional<RunTrace> trace, read_trace(database, id));
      if (!trace) continue;
      if (trace->annotations.size() >= kMaxAnnotations)
        return fail(Code::kInvalid,
                    fmt::format("trace {} has {} annotations already", raw(id), kMaxAnnotations));
      AGDB_CHECK_OK(insert_annotation(database, *trace, kept));
      ++done;
    }
    return done;
  });
}

Status TraceStore::set_correlation(StoredId id, std::string_view correlation_id) {
  const std::string kept = clean_name(correlation_id);
  return impl_->connections.write([&](Database& database) -> Status {
    AGDB_TRY(Query query, database.query("UPDATE runs SET correlation_id = ? WHERE id = ?"));
    query.bind(kept).bind(static_cast<std::int64_t>(raw(id)));
    AGDB_CHECK_OK(query.run());
    if (database.changes() == 0) return not_found(id);
    return {};
  });
}

Result<std::vector<RunSummary>> TraceStore::by_correlation(std::string_view correlation_id) const {
  const std::string kept = clean_name(correlation_id);
  return impl_->connections.read(
      [&](Database& database) { return list_correlated(database, kept); });
}

Result<std::size_t> TraceStore::bulk_delete(std::span<const StoredId> ids) {
  return impl_->change([&](Change& change) -> Result<std::size_t> {
    std::size_t done = 0;
    for (const StoredId id : ids) {
      AGDB_TRY(const bool removed, change.remove(id));
      done += removed ? 1 : 0;
    }
    return done;
  });
}

Status TraceStore::clear() {
  return impl_->connections.write([](Database& database) -> Status {
    AGDB_CHECK_OK(
        database.execute("DELETE FROM runs; DELETE FROM run_events; DELETE FROM annotations;"
                         "DELETE FROM run_tags;"
                         "INSERT INTO run_text (run_text) VALUES ('delete-all')"));
    return clear_totals(database);
  });
}

Result<std::size_t> TraceStore::evict_expired() {
  std::size_t gone = 0;
  for (;;) {
    AGDB_TRY(const std::size_t more,
             impl_->change([](Change& change) { return change.evict_expired(); }));
    gone += more;
    if (more < static_cast<std::size_t>(kMostAtOnce)) return gone;
  }
}

Result<std::int64_t> TraceStore::set_max_age_secs(std::int64_t seconds) {
  if (seconds < 0 || seconds > kMaxRunNumber)
    return fail(Code::kInvalid,
                fmt::format("an age of {} s is not within 0 and {}", seconds, kMaxRunNumber));
  return impl_->connections.write([&](Database& database) -> Result<std::int64_t> {
    AGDB_TRY(const std::int64_t before, setting(database, "max_age_secs"));
    AGDB_CHECK_OK(set_setting(database, "max_age_secs", seconds));
    return before;
  });
}

Result<bool> TraceStore::lacks_recorded_runs() const {
  return impl_->connections.read([](Database& database) -> Result<bool> {
    AGDB_TRY(const std::int64_t lacks, setting(database, kLacksRecordedRuns));
    return lacks != 0;
  });
}

Status TraceStore::has_recorded_runs() {
  return impl_->connections.write(
      [](Database& database) { return set_setting(database, kLacksRecordedRuns, 0); });
}

Result<bool> TraceStore::tidy() {
  return impl_->connections.write(put_texts_in_order);
}

Result<StoreStats> TraceStore::stats() const {
  return impl_->connections.read([](Database& database) { return read_stats(database); });
}

Result<RunAggregate> TraceStore::aggregate(std::int64_t window_secs) const {
  if (window_secs < 0 || window_secs > kMaxRunNumber)
    return fail(Code::kInvalid,
                fmt::format("a window of {} s is not within 0 and {}", window_secs, kMaxRunNumber));
  return impl_->connections.read([&](Database& database) -> Result<RunAggregate> {
    if (window_secs == 0) return aggregate_all(database);
    const std::int64_t since = impl_->now() - window_secs;
    AGDB_TRY(const std::int64_t oldest,
             database.number("SELECT ifnull(min(timestamp), 0) FROM runs"));
    return oldest >= since ? aggregate_all(database) : aggregate_since(database, since);
  });
}

Result<std::map<int, std::int64_t>> TraceStore::latency_histogram() const {
  return impl_->connections.read([](Database& database) { return read_latency_classes(database); });
}

}  // namespace agdb

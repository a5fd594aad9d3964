#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "debug/store/trace_store.h"

namespace agdb {

// What a store is, in the simplest words: a list in memory.
class ModelStore {
 public:
  ModelStore(const Clock& clock, const StoreOptions& options) : clock_(clock), options_(options) {}

  std::vector<StoredId> record_all(const std::vector<RunTrace>& runs) {
    std::vector<StoredId> ids;
    for (const RunTrace& run : runs) {
      ids.push_back(reserve());
      add(run, ids.back());
    }
    if (!runs.empty()) evict_expired();
    return ids;
  }
  StoredId reserve() { return StoredId{next_++}; }
  bool record_with_id(RunTrace run, StoredId id) {
    if (raw(id) == 0 || raw(id) >= next_ || find(id) != runs_.end()) return false;
    add(std::move(run), id);
    evict_expired();
    return true;
  }

  std::vector<RunTrace> list(const RunFilter& filter) const {
    std::vector<RunTrace> found;
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run)
      if (fits(*run, filter)) found.push_back(*run);
    return found;
  }
  std::vector<RunTrace> search(const std::string& text) const {
    std::vector<RunTrace> found;
    for (const RunTrace& run : list({}))
      if (contains(run, lower(text))) found.push_back(run);
    return found;
  }
  std::vector<RunTrace> correlated(const std::string& id) const {
    std::vector<RunTrace> found;
    for (const RunTrace& run : list({}))
      if (!id.empty() && run.correlation_id == id) found.push_back(run);
    return found;
  }

  std::size_t annotate(const std::vector<StoredId>& ids, RunAnnotation annotation) {
    annotation.timestamp = now();
    std::size_t done = 0;
    for (const StoredId id : std::set<StoredId>(ids.begin(), ids.end())) {
      const auto run = find(id);
      if (run == runs_.end()) continue;
      run->annotations.push_back(annotation);
      ++done;
    }
    return done;
  }
  bool correlate(StoredId id, const std::string& correlation) {
    const auto run = find(id);
    if (run == runs_.end()) return false;
    run->correlation_id = correlation;
    return true;
  }
  std::size_t erase(const std::vector<StoredId>& ids) {
    return std::erase_if(
        runs_, [&](const RunTrace& run) { return std::ranges::find(ids, run.id) != ids.end(); });
  }
  void clear() { runs_.clear(); }
  std::size_t evict_expired() {
    if (max_age_ == 0) return 0;
    return std::erase_if(runs_,
                         [&](const RunTrace& run) { return run.timestamp < now() - max_age_; });
  }
  void set_max_age(std::int64_t seconds) { max_age_ = seconds; }

  const std::vector<RunTrace>& runs() const { return runs_; }
  std::int64_t total() const { return total_; }

 private:
  using Runs = std::vector<RunTrace>;

  std::int64_t now() const {
    return std::chrono::floor<std::chrono::seconds>(clock_.wall()).time_since_epoch().count();
  }
  Runs::iterator find(StoredId id) {
    return std::ranges::find_if(runs_, [&](const RunTrace& run) { return run.id == id; });
  }
  void add(RunTrace run, StoredId id) {
    run.id = id;
    if (run.timestamp == 0) run.timestamp = now();
    if (run.events.size() > options_.max_events_per_trace)
      run.events.resize(options_.max_events_per_trace);
    run.event_count = static_cast<std::int64_t>(run.events.size());
    runs_.push_back(std::move(run));
    std::ranges::sort(runs_, [](const RunTrace& a, const RunTrace& b) { return a.id < b.id; });
    ++total_;
    if (static_cast<std::int64_t>(runs_.size()) > options_.capacity) runs_.erase(runs_.begin());
  }

  static std::string lower(std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return text;
  }
  static bool contains(const RunTrace& run, const std::string& text) {
    std::vector<std::string> all = {run.flow_name, run.source_file, run.backend, run.client_key};
    for (const RunEvent& event : run.events) {
      all.push_back(event.step_name);
      all.push_back(event.detail);
    }
    for (const RunAnnotation& annotation : run.annotations) {
      all.push_back(annotation.text);
      all.insert(all.end(), annotation.tags.begin(), annotation.tags.end());
    }
    return std::ranges::any_of(
        all, [&](const std::string& each) { return lower(each).find(text) != std::string::npos; });
  }
  static bool has_tag(const RunTrace& run, const std::string& tag) {
    return std::ranges::any_of(run.annotations, [&](const RunAnnotation& annotation) {
      return std::ranges::find(annotation.tags, tag) != annotation.tags.end();
    });
  }
  static bool fits(const RunTrace& run, const RunFilter& filter) {
    return (!filter.flow_name || run.flow_name == *filter.flow_name) &&
           (!filter.status || run.status == *filter.status) &&
           (!filter.client_key || run.client_key == *filter.client_key) &&
           (!filter.min_latency_ms || run.latency_ms >= *filter.min_latency_ms) &&
           (!filter.has_errors || (run.errors > 0) == *filter.has_errors) &&
           (!filter.tag || has_tag(run, *filter.tag)) &&
           (!filter.since || run.timestamp >= *filter.since) &&
           (!filter.until || run.timestamp < *filter.until);
  }

  const Clock& clock_;
  const StoreOptions options_;
  Runs runs_;  // by id
  std::uint64_t next_ = 1;
  std::int64_t total_ = 0;
  std::int64_t max_age_ = 0;
};

}  // namespace agdb

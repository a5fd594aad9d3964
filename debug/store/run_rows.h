#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "debug/store/database.h"
#include "debug/store/run_trace.h"

namespace agdb {

// A trace and the rows that it is kept in. All within the caller's transaction; nothing here knows
// totals or limits.

inline constexpr std::size_t kMaxNameBytes = 1000;
inline constexpr std::size_t kMaxDetailBytes = 4000;
inline constexpr std::size_t kMaxAnnotationBytes = 16'000;
inline constexpr std::size_t kMaxTags = 100;
inline constexpr std::size_t kMaxAnnotations = 10'000;

// The columns of `runs` in the order in which read_summary takes them.
extern const std::string_view kRunColumns;
// REQUIRES: the query's row begins with kRunColumns.
RunSummary read_summary(const Query& query);

// An error for numbers that are out of range and for too many tags or annotations.
Status check_trace(const RunTrace& trace);
Status check_annotation(const RunAnnotation& annotation);
// Cuts texts, tags and events to what is kept, and makes texts UTF-8. Whether anything has to be
// done is quicker to find out than to do.
bool is_clean(const RunTrace& trace, std::size_t max_events);
void clean(RunTrace& trace, std::size_t max_events);
void clean(RunAnnotation& annotation);
std::string clean_name(std::string_view text);

// 0 of 0 ms, else k of [2^(k-1), 2^k) ms.
int latency_class_of(std::int64_t latency_ms);

// REQUIRES: clean, with id and times; the id is free.
Status insert_rows(Database& database, const RunTrace& trace, StoredId id, std::int64_t timestamp);
// Nothing where there is none.
Result<std::optional<RunTrace>> read_trace(Database& database, StoredId id);
// Events and annotations, for a trace whose summary is there already.
Status read_details(Database& database, RunTrace& trace);
// REQUIRES: the trace as read_trace gave it.
Status delete_rows(Database& database, const RunTrace& trace);
// REQUIRES: the trace as read_trace gave it, and a clean annotation.
Status insert_annotation(Database& database, RunTrace& trace, const RunAnnotation& annotation);

}  // namespace agdb

#include "debug/store/run_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <variant>

#include "debug/store/run_rows.h"
#include "debug/store/totals.h"

namespace agdb {
namespace {

// Which index leads.
enum class Lead { kId, kFlow, kStatus, kClient, kErrors, kTag, kTime, kLatency, kText };

// Beyond so many, how many there are exactly does not matter for the choice.
constexpr std::int64_t kManyTagged = 2000;
constexpr std::int64_t kManyInTime = 500;

// What a value is bound to, in the order of the text.
using Value = std::variant<std::int64_t, std::string_view>;

struct Sql {
  std::string text;
  std::vector<Value> values;

  void add(std::string_view condition) {
    text += text.empty() ? " WHERE " : " AND ";
    text += condition;
  }
  void add(std::string_view condition, Value value) {
    add(condition);
    values.push_back(value);
  }
};

std::int64_t upper_bound_of(const RunPage& page) {
  return raw(page.before) == 0 ? std::numeric_limits<std::int64_t>::max()
                               : static_cast<std::int64_t>(std::min<std::uint64_t>(
                                     raw(page.before), std::numeric_limits<std::int64_t>::max()));
}

std::int64_t limit_of(const RunPage& page) {
  return static_cast<std::int64_t>(std::min<std::size_t>(
      page.limit, static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max())));
}

void add_conditions(Sql& sql, const RunFilter& filter, Lead lead) {
  if (filter.flow_name) sql.add("flow_name = ?", *filter.flow_name);
  if (filter.status) sql.add("status = ?", run_status_name(*filter.status));
  if (filter.client_key) sql.add("client_key = ?", *filter.client_key);
  if (lead == Lead::kClient) sql.add("client_key <> ''");
  if (filter.min_latency_ms) sql.add("latency_ms >= ?", *filter.min_latency_ms);
  if (filter.has_errors) sql.add("(errors > 0) = ?", std::int64_t{*filter.has_errors ? 1 : 0});
  if (filter.since) sql.add("timestamp >= ?", *filter.since);
  if (filter.until) sql.add("timestamp < ?", *filter.until);
  if (!filter.tag) return;
  if (lead == Lead::kTag) {
    sql.add("run_tags.tag = ?", *filter.tag);
  } else {
    sql.add("EXISTS (SELECT 1 FROM run_tags WHERE tag = ? AND run = runs.id)", *filter.tag);
  }
}

struct Source {
  std::string_view from;
  std::string_view id;
};

// CROSS JOIN and INDEXED BY hold the planner to the choice made here.
Source source_of(Lead lead) {
  switch (lead) {
    case Lead::kId:
      return {"runs NOT INDEXED", "runs.id"};
    case Lead::kFlow:
      return {"runs INDEXED BY runs_by_flow", "runs.id"};
    case Lead::kStatus:
      return {"runs INDEXED BY runs_by_status", "runs.id"};
    case Lead::kClient:
      return {"runs INDEXED BY runs_by_client", "runs.id"};
    case Lead::kErrors:
      return {"runs INDEXED BY runs_by_errors", "runs.id"};
    case Lead::kTime:
      return {"runs INDEXED BY runs_by_time", "runs.id"};
    case Lead::kLatency:
      return {"runs INDEXED BY runs_by_latency", "runs.id"};
    case Lead::kTag:
      return {"run_tags CROSS JOIN runs ON runs.id = run_tags.run", "run_tags.run"};
    case Lead::kText:
      return {"run_text CROSS JOIN runs ON runs.id = run_text.rowid", "run_text.rowid"};
  }
  return {"runs", "runs.id"};
}

Result<std::vector<RunSummary>> fetch(Database& database, Lead lead, Sql sql, const RunPage& page) {
  const Source source = source_of(lead);
  sql.add(fmt::format("{} < ?", source.id), upper_bound_of(page));
  sql.values.emplace_back(limit_of(page));
  AGDB_TRY(Query query, database.query(fmt::format("SELECT {} FROM {}{} ORDER BY {} DESC LIMIT ?",
                                                   kRunColumns, source.from, sql.text, source.id)));
  for (const Value& value : sql.values)
    std::visit([&](const auto& each) { query.bind(each); }, value);
  std::vector<RunSummary> runs;
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return runs;
    runs.push_back(read_summary(query));
  }
}

Result<std::int64_t> count_of(Database& database, std::string_view sql,
                              std::initializer_list<Value> values) {
  AGDB_TRY(Query query, database.query(sql));
  for (const Value& value : values) std::visit([&](const auto& each) { query.bind(each); }, value);
  AGDB_TRY(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

// The index that leads to the fewest traces, by the counts that are kept.
class Choice {
 public:
  explicit Choice(Database& database) : database_(database) {}

  Result<Lead> make(const RunFilter& filter) {
    AGDB_TRY(fewest_, live_count(database_));
    AGDB_CHECK_OK(consider_names(filter));
    AGDB_CHECK_OK(consider_errors(filter));
    AGDB_CHECK_OK(consider_latency(filter));
    AGDB_CHECK_OK(consider_tag(filter));
    AGDB_CHECK_OK(consider_time(filter));
    return lead_;
  }

 private:
  void consider(Lead lead, std::int64_t count) {
    if (count >= fewest_) return;
    fewest_ = count;
    lead_ = lead;
  }

  Status consider_names(const RunFilter& filter) {
    if (filter.flow_name) {
      AGDB_TRY(const std::int64_t count,
               count_of(database_, "SELECT count FROM flows WHERE name = ?", {*filter.flow_name}));
      consider(Lead::kFlow, count);
    }
    if (filter.client_key && !filter.client_key->empty()) {
      AGDB_TRY(
          const std::int64_t count,
          count_of(database_, "SELECT count FROM clients WHERE name = ?", {*filter.client_key}));
      consider(Lead::kClient, count);
    }
    if (filter.status) {
      AGDB_TRY(const std::int64_t count,
               count_of(database_, "SELECT count FROM totals WHERE scope = 'live' AND status = ?",
                        {run_status_name(*filter.status)}));
      consider(Lead::kStatus, count);
      // That index goes by both, so that it leads to fewer than either.
      if (filter.flow_name && lead_ == Lead::kStatus) lead_ = Lead::kFlow;
    }
    return {};
  }

  Status consider_errors(const RunFilter& filter) {
    if (!filter.has_errors) return {};
    AGDB_TRY(
        const std::int64_t with,
        database_.number("SELECT ifnull(sum(with_errors), 0) FROM totals WHERE scope = 'live'"));
    AGDB_TRY(const std::int64_t all, live_count(database_));
    consider(Lead::kErrors, *filter.has_errors ? with : all - with);
    return {};
  }

  Status consider_latency(const RunFilter& filter) {
    if (!filter.min_latency_ms || *filter.min_latency_ms <= 0) return {};
    AGDB_TRY(const std::int64_t count,
             count_of(database_, "SELECT sum(count) FROM latency_classes WHERE class >= ?",
                      {std::int64_t{latency_class_of(*filter.min_latency_ms)}}));
    consider(Lead::kLatency, count);
    return {};
  }

  Status consider_tag(const RunFilter& filter) {
    if (!filter.tag) return {};
    AGDB_TRY(
        const std::int64_t count,
        count_of(database_, "SELECT count(*) FROM (SELECT 1 FROM run_tags WHERE tag = ? LIMIT ?)",
                 {*filter.tag, kManyTagged}));
    consider(Lead::kTag, count);
    return {};
  }

  // That index is in the order of time, so what it leads to has to be sorted: only if that is
  // little.
  Status consider_time(const RunFilter& filter) {
    if (!filter.since && !filter.until) return {};
    AGDB_TRY(
        const std::int64_t count,
        count_of(database_,
                 "SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_by_time "
                 "WHERE timestamp >= ? AND timestamp < ? LIMIT ?)",
                 {filter.since.value_or(std::numeric_limits<std::int64_t>::min()),
                  filter.until.value_or(std::numeric_limits<std::int64_t>::max()), kManyInTime}));
    if (count < kManyInTime) consider(Lead::kTime, count);
    return {};
  }

  Database& database_;
  Lead lead_ = Lead::kId;
  std::int64_t fewest_ = 0;
};

// A stretch of an index in which the newest come first.
struct Part {
  std::string_view condition;
  Value value;
};

// The newest of each part, put together, hold the newest of all.
Result<std::vector<RunSummary>> list_parts(Database& database, Lead lead,
                                           const std::vector<Part>& parts, const RunFilter& filter,
                                           const RunPage& page) {
  std::vector<RunSummary> runs;
  if (page.limit == 0) return runs;
  for (const Part& part : parts) {
    Sql sql;
    sql.add(part.condition, part.value);
    add_conditions(sql, filter, lead);
    // Once there are enough, older ones are not worth reading.
    if (runs.size() == page.limit)
      sql.add("runs.id > ?", static_cast<std::int64_t>(raw(runs.back().id)));
    AGDB_TRY(std::vector<RunSummary> more, fetch(database, lead, std::move(sql), page));
    std::ranges::move(more, std::back_inserter(runs));
    std::ranges::sort(runs, [](const RunSummary& a, const RunSummary& b) { return a.id > b.id; });
    if (runs.size() > page.limit) runs.resize(page.limit);
  }
  return runs;
}

Result<std::vector<Part>> parts_of(Database& database, const RunFilter& filter, Lead lead) {
  std::vector<Part> parts;
  if (lead == Lead::kFlow && !filter.status) {
    for (const RunStatus status : kRunStatuses)
      parts.push_back({"status = ?", run_status_name(status)});
  } else if (lead == Lead::kLatency) {
    AGDB_TRY(const auto classes, read_latency_classes(database));
    for (const auto& [number, count] : classes)
      if (number >= latency_class_of(*filter.min_latency_ms))
        parts.push_back({"latency_class = ?", std::int64_t{number}});
  }
  return parts;
}

}  // namespace

Result<std::vector<RunSummary>> list_runs(Database& database, const RunFilter& filter,
                                          const RunPage& page) {
  Lead lead = Lead::kId;
  if (!filter.empty()) {
    AGDB_TRY(lead, Choice(database).make(filter));
  }
  AGDB_TRY(const std::vector<Part> parts, parts_of(database, filter, lead));
  if (!parts.empty()) return list_parts(database, lead, parts, filter, page);
  Sql sql;
  add_conditions(sql, filter, lead);
  return fetch(database, lead, std::move(sql), page);
}

Result<std::vector<RunSummary>> list_matches(Database& database, std::string_view match,
                                             const RunFilter& filter, const RunPage& page) {
  Sql sql;
  sql.add("run_text MATCH ?", match);
  add_conditions(sql, filter, Lead::kText);
  return fetch(database, Lead::kText, std::move(sql), page);
}

Result<std::vector<RunSummary>> list_correlated(Database& database,
                                                std::string_view correlation_id) {
  if (correlation_id.empty()) return std::vector<RunSummary>();
  static const std::string kSql = fmt::format(
      "SELECT {} FROM runs INDEXED BY runs_by_correlation WHERE correlation_id = ? "
      "AND correlation_id <> '' ORDER BY id DESC",
      kRunColumns);
  AGDB_TRY(Query query, database.query(kSql));
  query.bind(correlation_id);
  std::vector<RunSummary> runs;
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return runs;
    runs.push_back(read_summary(query));
  }
}

}  // namespace agdb

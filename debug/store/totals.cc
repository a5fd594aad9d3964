#include "debug/store/totals.h"

#include <algorithm>

#include "debug/store/run_rows.h"

namespace agdb {
namespace {

void count_in(RunSums& sums, const RunSummary& run, std::int64_t sign) {
  sums.count += sign;
  sums.with_errors += run.errors > 0 ? sign : 0;
  sums.latency_ms += sign * run.latency_ms;
  sums.steps += sign * run.steps_executed;
  sums.tokens_input += sign * run.tokens_input;
  sums.tokens_output += sign * run.tokens_output;
  sums.anchor_checks += sign * run.anchor_checks;
  sums.anchor_breaches += sign * run.anchor_breaches;
  sums.errors += sign * run.errors;
  sums.retries += sign * run.retries;
  if (sign > 0) sums.max_latency_ms = std::max(sums.max_latency_ms, run.latency_ms);
}

// A sum over all that ever was may leave 64 bits in theory: it stays at 9 * 10^18, as `min` says.
constexpr std::string_view kAddSums =
    "INSERT INTO totals VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
    "count = min(count + excluded.count, 9000000000000000000), "
    "with_errors = min(with_errors + excluded.with_errors, 9000000000000000000), "
    "latency_ms = min(latency_ms + excluded.latency_ms, 9000000000000000000), "
    "max_latency_ms = max(max_latency_ms, excluded.max_latency_ms), "
    "steps = min(steps + excluded.steps, 9000000000000000000), "
    "tokens_input = min(tokens_input + excluded.tokens_input, 9000000000000000000), "
    "tokens_output = min(tokens_output + excluded.tokens_output, 9000000000000000000), "
    "anchor_checks = min(anchor_checks + excluded.anchor_checks, 9000000000000000000), "
    "anchor_breaches = min(anchor_breaches + excluded.anchor_breaches, 9000000000000000000), "
    "errors = min(errors + excluded.errors, 9000000000000000000), "
    "retries = min(retries + excluded.retries, 9000000000000000000)";

Status add_sums(Database& database, std::string_view scope, RunStatus status, const RunSums& sums) {
  if (sums == RunSums{}) return {};
  AGDB_TRY(Query query, database.query(kAddSums));
  query.bind(scope).bind(run_status_name(status)).bind(sums.count).bind(sums.with_errors);
  query.bind(sums.latency_ms).bind(sums.max_latency_ms).bind(sums.steps);
  query.bind(sums.tokens_input).bind(sums.tokens_output);
  query.bind(sums.anchor_checks).bind(sums.anchor_breaches).bind(sums.errors).bind(sums.retries);
  return query.run();
}

RunSums read_sums(const Query& query) {
  return {.count = query.integer(2),
          .with_errors = query.integer(3),
          .latency_ms = query.integer(4),
          .max_latency_ms = query.integer(5),
          .steps = query.integer(6),
          .tokens_input = query.integer(7),
          .tokens_output = query.integer(8),
          .anchor_checks = query.integer(9),
          .anchor_breaches = query.integer(10),
          .errors = query.integer(11),
          .retries = query.integer(12)};
}

std::int64_t add_capped(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kMost = 9'000'000'000'000'000'000;
  return b > kMost - a ? kMost : a + b;
}

void add_up(RunSums& sums, const RunSums& more) {
  sums.count = add_capped(sums.count, more.count);
  sums.with_errors = add_capped(sums.with_errors, more.with_errors);
  sums.latency_ms = add_capped(sums.latency_ms, more.latency_ms);
  sums.max_latency_ms = std::max(sums.max_latency_ms, more.max_latency_ms);
  sums.steps = add_capped(sums.steps, more.steps);
  sums.tokens_input = add_capped(sums.tokens_input, more.tokens_input);
  sums.tokens_output = add_capped(sums.tokens_output, more.tokens_output);
  sums.anchor_checks = add_capped(sums.anchor_checks, more.anchor_checks);
  sums.anchor_breaches = add_capped(sums.anchor_breaches, more.anchor_breaches);
  sums.errors = add_capped(sums.errors, more.errors);
  sums.retries = add_capped(sums.retries, more.retries);
}

Status read_all_sums(Database& database, StoreStats& stats) {
  AGDB_TRY(Query query, database.query("SELECT * FROM totals"));
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return {};
    const RunSums sums = read_sums(query);
    const bool live = query.text(0) == "live";
    add_up(live ? stats.buffered : stats.ever, sums);
    auto& by_status = live ? stats.by_status : stats.ever_by_status;
    if (sums.count > 0) by_status.emplace(query.text(1), sums.count);
  }
}

}  // namespace

void TotalsDelta::add(const RunSummary& run, bool first_time) {
  const auto status = static_cast<std::size_t>(run.status);
  count_in(live_[status], run, 1);
  live_[status].max_latency_ms = 0;  // kept apart, because it can sink
  if (first_time) count_in(ever_[status], run, 1);
  Flow& flow = flows_[run.flow_name];
  ++flow.count;
  flow.latency_ms += run.latency_ms;
  flow.with_errors += run.errors > 0 ? 1 : 0;
  ++clients_[run.client_key];
  ++classes_[latency_class_of(run.latency_ms)];
  max_added_ms_ = std::max(max_added_ms_, run.latency_ms);
  ++count_;
}

void TotalsDelta::remove(const RunSummary& run) {
  count_in(live_[static_cast<std::size_t>(run.status)], run, -1);
  Flow& flow = flows_[run.flow_name];
  --flow.count;
  flow.latency_ms -= run.latency_ms;
  flow.with_errors -= run.errors > 0 ? 1 : 0;
  --clients_[run.client_key];
  --classes_[latency_class_of(run.latency_ms)];
  max_removed_ms_ = std::max(max_removed_ms_, run.latency_ms);
  --count_;
}

Status TotalsDelta::write(Database& database) const {
  AGDB_CHECK_OK(write_sums(database));
  AGDB_CHECK_OK(write_flows(database));
  AGDB_CHECK_OK(write_clients(database));
  AGDB_CHECK_OK(write_classes(database));
  return write_max_latency(database);
}

Status TotalsDelta::write_sums(Database& database) const {
  for (const RunStatus status : kRunStatuses) {
    const auto i = static_cast<std::size_t>(status);
    AGDB_CHECK_OK(add_sums(database, "live", status, live_[i]));
    AGDB_CHECK_OK(add_sums(database, "ever", status, ever_[i]));
  }
  return {};
}

Status TotalsDelta::write_flows(Database& database) const {
  AGDB_TRY(Query add, database.query("INSERT INTO flows VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET "
                                     "count = count + excluded.count, "
                                     "latency_ms = latency_ms + excluded.latency_ms, "
                                     "with_errors = with_errors + excluded.with_errors"));
  AGDB_TRY(Query drop, database.query("DELETE FROM flows WHERE name = ? AND count = 0"));
  for (const auto& [name, flow] : flows_) {
    add.bind(name).bind(flow.count).bind(flow.latency_ms).bind(flow.with_errors);
    AGDB_CHECK_OK(add.run());
    add.reset();
    if (flow.count > 0) continue;
    drop.bind(name);
    AGDB_CHECK_OK(drop.run());
    drop.reset();
  }
  return {};
}

Status TotalsDelta::write_clients(Database& database) const {
  AGDB_TRY(Query add, database.query("INSERT INTO clients VALUES (?,?) ON CONFLICT DO UPDATE SET "
                                     "count = count + excluded.count"));
  AGDB_TRY(Query drop, database.query("DELETE FROM clients WHERE name = ? AND count = 0"));
  for (const auto& [name, count] : clients_) {
    if (count == 0) continue;
    add.bind(name).bind(count);
    AGDB_CHECK_OK(add.run());
    add.reset();
    if (count > 0) continue;
    drop.bind(name);
    AGDB_CHECK_OK(drop.run());
    drop.reset();
  }
  return {};
}

Status TotalsDelta::write_classes(Database& database) const {
  AGDB_TRY(Query add, database.query("INSERT INTO latency_classes VALUES (?,?) ON CONFLICT DO "
                                     "UPDATE SET count = count + excluded.count"));
  for (const auto& [number, count] : classes_) {
    if (count == 0) continue;
    add.bind(number).bind(count);
    AGDB_CHECK_OK(add.run());
    add.reset();
  }
  return {};
}

Status TotalsDelta::write_max_latency(Database& database) const {
  AGDB_TRY(const std::int64_t before, read_max_latency(database));
  if (max_removed_ms_ >= std::max(before, max_added_ms_)) {
    // The slowest one went: the next stands in the highest class that is left.
    AGDB_TRY(Query query,
             database.query("INSERT OR REPLACE INTO settings SELECT 'max_latency_ms', "
                            "ifnull(max(latency_ms), 0) FROM runs INDEXED BY runs_by_latency "
                            "WHERE latency_class = (SELECT max(class) FROM latency_classes "
                            "WHERE count > 0)"));
    return query.run();
  }
  if (max_added_ms_ <= before) return {};
  AGDB_TRY(Query query,
           database.query("INSERT OR REPLACE INTO settings VALUES ('max_latency_ms', ?)"));
  query.bind(max_added_ms_);
  return query.run();
}

Status clear_totals(Database& database) {
  return database.execute(
      "DELETE FROM totals WHERE scope = 'live'; DELETE FROM flows; DELETE FROM clients;"
      "DELETE FROM latency_classes; DELETE FROM settings WHERE name = 'max_latency_ms'");
}

Result<std::int64_t> live_count(Database& database) {
  return database.number("SELECT ifnull(sum(count), 0) FROM totals WHERE scope = 'live'");
}

Result<StoreStats> read_stats(Database& database) {
  StoreStats stats;
  AGDB_CHECK_OK(read_all_sums(database, stats));
  stats.total_recorded = stats.ever.count;
  AGDB_TRY(stats.buffered.max_latency_ms, read_max_latency(database));
  AGDB_TRY(Query query,
           database.query("SELECT name, count FROM flows ORDER BY count DESC, name LIMIT 10"));
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return stats;
    stats.top_flows.push_back({.flow_name = std::string(query.text(0)), .count = query.integer(1)});
  }
}

Result<std::map<int, std::int64_t>> read_latency_classes(Database& database) {
  std::map<int, std::int64_t> classes;
  AGDB_TRY(Query query, database.query("SELECT class, count FROM latency_classes WHERE count > 0"));
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return classes;
    classes.emplace(static_cast<int>(query.integer(0)), query.integer(1));
  }
}

Result<std::int64_t> read_max_latency(Database& database) {
  AGDB_TRY(Query query, database.query("SELECT value FROM settings WHERE name = 'max_latency_ms'"));
  AGDB_TRY(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

Result<std::vector<FlowAggregate>> read_flows(Database& database) {
  std::vector<FlowAggregate> flows;
  AGDB_TRY(Query query, database.query("SELECT name, count, latency_ms, with_errors FROM flows "
                                       "ORDER BY count DESC, name"));
  for (;;) {
    AGDB_TRY(const bool row, query.step());
    if (!row) return flows;
    const std::int64_t count = query.integer(1);
    flows.push_back({.flow_name = std::string(query.text(0)),
                     .count = count,
                     .avg_latency_ms = static_cast<double>(query.integer(2)) /
                                       static_cast<double>(std::max<std::int64_t>(count, 1)),
                     .with_errors = query.integer(3)});
  }
}

}  // namespace agdb

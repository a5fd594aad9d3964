#include "debug/store/schema.h"

#include <fmt/format.h>

#include <array>

namespace agdb {
namespace {

constexpr std::int64_t kApplicationId = 0x61676462;  // "agdb"
constexpr std::int64_t kMaxWholeCheckBytes = 4 << 20;

// A step makes version i + 1 of version i; steps are never changed, only added.
//
// runs_by_* go on with the id, so each lists its key's traces newest first (runs_by_flow: those of
// one status); what else a filter may ask for stands in them, so that a trace which does not fit is
// passed over without being read. The index of texts merges its parts early, because each question
// goes to all parts. The totals are sums over `runs` ("live") and over all that ever was ("ever").
constexpr std::array<const char*, kStoreVersion> kSteps = {R"(
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO settings VALUES ('next_id', 1), ('max_age_secs', 0);

CREATE TABLE runs (
  id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, status TEXT NOT NULL,
  steps_executed INTEGER NOT NULL, latency_ms INTEGER NOT NULL, latency_class INTEGER NOT NULL,
  tokens_input INTEGER NOT NULL, tokens_output INTEGER NOT NULL, anchor_checks INTEGER NOT NULL,
  anchor_breaches INTEGER NOT NULL, errors INTEGER NOT NULL, retries INTEGER NOT NULL,
  replay_of INTEGER NOT NULL, event_count INTEGER NOT NULL, flow_name TEXT NOT NULL,
  client_key TEXT NOT NULL, backend TEXT NOT NULL, source_file TEXT NOT NULL,
  correlation_id TEXT NOT NULL, record_id TEXT NOT NULL, run_id TEXT NOT NULL,
  trace_id TEXT NOT NULL);
CREATE INDEX runs_by_flow ON runs (flow_name, id, status, errors, latency_ms, client_key);
CREATE INDEX runs_by_status ON runs (status, id, flow_name, errors, latency_ms, client_key);
CREATE INDEX runs_by_client ON runs (client_key, id, status, errors, latency_ms, flow_name)
  WHERE client_key <> '';
CREATE INDEX runs_by_errors ON runs (errors > 0);
CREATE INDEX runs_by_latency ON runs (latency_class, id, latency_ms);
CREATE INDEX runs_by_time ON runs (timestamp, flow_name, latency_ms, errors, tokens_input,
                                   tokens_output, steps_executed);
CREATE INDEX runs_by_correlation ON runs (correlation_id) WHERE correlation_id <> '';
CREATE INDEX runs_by_run ON runs (run_id) WHERE run_id <> '';

CREATE TABLE run_events (id INTEGER PRIMARY KEY, events TEXT NOT NULL);
CREATE TABLE annotations (
  number INTEGER PRIMARY KEY, run INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  author TEXT NOT NULL, text TEXT NOT NULL, tags TEXT NOT NULL);
CREATE INDEX annotations_by_run ON annotations (run);
CREATE TABLE run_tags (
  tag TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (tag, run)) WITHOUT ROWID;
CREATE VIRTUAL TABLE run_text USING fts5 (
  text, content = '', columnsize = 0, tokenize = 'trigram');
INSERT INTO run_text (run_text, rank) VALUES ('automerge', 2);

CREATE TABLE totals (
  scope TEXT NOT NULL, status TEXT NOT NULL, count INTEGER NOT NULL, with_errors INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL, max_latency_ms INTEGER NOT NULL, steps INTEGER NOT NULL,
  tokens_input INTEGER NOT NULL, tokens_output INTEGER NOT NULL, anchor_checks INTEGER NOT NULL,
  anchor_breaches INTEGER NOT NULL, errors INTEGER NOT NULL, retries INTEGER NOT NULL,
  PRIMARY KEY (scope, status)) WITHOUT ROWID;
CREATE TABLE flows (
  name TEXT PRIMARY KEY, count INTEGER NOT NULL, latency_ms INTEGER NOT NULL,
  with_errors INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX flows_by_count ON flows (count DESC, name);
CREATE TABLE clients (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE latency_classes (class INTEGER PRIMARY KEY, count INTEGER NOT NULL);
)",
                                                           R"(
DROP INDEX runs_by_flow;
CREATE INDEX runs_by_flow ON runs (flow_name, status, id, errors, latency_ms, client_key);
INSERT INTO settings VALUES ('texts_in_order_to', 0), ('texts_being_put_in_order', 0);
)",
                                                           R"(
INSERT INTO settings VALUES ('lacks_recorded_runs', 0);
)"};

Status refuse_strangers(Database& database, const std::string& path) {
  AGDB_TRY(const std::int64_t application, database.number("PRAGMA application_id"));
  AGDB_TRY(const std::int64_t tables, database.number("SELECT count(*) FROM sqlite_schema"));
  if (application == kApplicationId || (application == 0 && tables == 0)) return {};
  return fail(Code::kInvalid, fmt::format("{} is another program's database", path),
              "move it away; agdb makes its own there");
}

Result<std::int64_t> version_of(Database& database, const std::string& path, SchemaSteps steps) {
  AGDB_TRY(const std::int64_t version, database.number("PRAGMA user_version"));
  if (version < 0)
    return fail(Code::kCorrupt, fmt::format("store {}: its version is {}", path, version));
  const auto newest = static_cast<std::int64_t>(steps.size());
  if (version <= newest) return version;
  return fail(
      Code::kUnsupported,
      fmt::format("store {} is of version {}, and this agdb reads up to {}", path, version, newest),
      "a newer agdb reads it");
}

Status migrate(Database& database, const std::string& path, SchemaSteps steps) {
  AGDB_TRY(Transaction transaction, Transaction::begin(database));
  // Another process may have been first.
  AGDB_TRY(const std::int64_t version, version_of(database, path, steps));
  for (const char* step : steps.subspan(static_cast<std::size_t>(version)))
    AGDB_CHECK_OK(database.execute(step));
  AGDB_CHECK_OK(database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                             kApplicationId, steps.size())));
  return transaction.commit();
}

Status check_whole(Database& database, const std::string& path) {
  AGDB_TRY(Query query, database.query("PRAGMA quick_check(1)"));
  AGDB_TRY(const bool row, query.step());
  if (row && query.text(0) == "ok") return {};
  return fail(Code::kCorrupt, fmt::format("store {}: {}", path, row ? query.text(0) : "damaged"));
}

// Reads every column of what the statement finds; a damaged page is an error of the step.
Status read_through(Database& database, std::string_view sql) {
  AGDB_TRY(Query query, database.query(sql));
  return query.run();
}

}  // namespace

SchemaSteps schema_steps() {
  return kSteps;
}

Status prepare_schema(Database& database, const std::string& path, SchemaSteps steps) {
  AGDB_CHECK_OK(refuse_strangers(database, path));
  AGDB_TRY(const std::int64_t version, version_of(database, path, steps));
  // A trace that record() has returned for survives a power cut: WAL alone would promise that only
  // for the program's end.
  AGDB_CHECK_OK(
      database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16000;"));
  if (version == static_cast<std::int64_t>(steps.size())) return {};
  return migrate(database, path, steps);
}

Status look_for_damage(Database& database, const std::string& path) {
  AGDB_TRY(const std::int64_t pages, database.number("PRAGMA page_count"));
  AGDB_TRY(const std::int64_t page_size, database.number("PRAGMA page_size"));
  if (pages * page_size <= kMaxWholeCheckBytes) return check_whole(database, path);
  for (const std::string_view sql :
       {"SELECT * FROM settings", "SELECT * FROM totals", "SELECT * FROM latency_classes",
        "SELECT * FROM runs NATURAL LEFT JOIN run_events ORDER BY id DESC LIMIT 50",
        "SELECT * FROM runs NATURAL LEFT JOIN run_events ORDER BY id LIMIT 50",
        "SELECT * FROM runs INDEXED BY runs_by_time ORDER BY timestamp DESC LIMIT 50"})
    AGDB_CHECK_OK(read_through(database, sql));
  return {};
}

}  // namespace agdb

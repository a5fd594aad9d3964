#include "debug/store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

namespace agdb {
namespace {

constexpr int kPatienceMs = 10'000;

Code code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kUnavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return Code::kPermission;
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
      return Code::kInvalid;
    default:
      return Code::kIo;
  }
}

std::string hint_of(Code code) {
  switch (code) {
    case Code::kCorrupt:
      return "`agdb runs rebuild` makes the store again from the recordings";
    case Code::kUnavailable:
      return "another program is writing to it; try again";
    case Code::kIo:
      return "look for space on the disk";
    default:
      return {};
  }
}

std::unexpected<Error> failure(sqlite3* connection, int result, std::string_view path) {
  const Code code = code_of(result);
  const char* why = connection == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(connection);
  return fail(code, fmt::format("store {}: {}", path, why), hint_of(code));
}

}  // namespace

Query::~Query() {
  if (statement_ != nullptr) reset();
}

Query::Query(Query&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      path_(other.path_),
      bound_(other.bound_) {}

Query& Query::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

Query& Query::bind(std::string_view text) {
  // Null would be bound for a view without bytes behind it.
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Result<bool> Query::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return failure(connection_, result, path_);
}

Status Query::run() {
  for (;;) {
    AGDB_TRY(const bool row, step());
    if (!row) return {};
  }
}

void Query::reset() {
  sqlite3_reset(statement_);
  bound_ = 0;
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Query::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

void Database::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Database::Database(Database&&) noexcept = default;
Database::~Database() = default;

Database& Database::operator=(Database&& other) noexcept {
  statements_.clear();
  path_ = std::move(other.path_);
  connection_ = std::move(other.connection_);
  statements_ = std::move(other.statements_);
  return *this;
}

Result<Database> Database::open(const std::string& path) {
  Database database(path);
  sqlite3* connection = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &connection,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.connection_.reset(connection);
  if (result != SQLITE_OK) return failure(connection, result, path);
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kPatienceMs);
  // What a file from outside may do: no SQL of its own from triggers, views and the like.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  return database;
}

Status Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return failure(connection_.get(), result, path_);
  return {};
}

Result<Query> Database::query(std::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return Query(connection_.get(), known->second.get(), path_);
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return failure(connection_.get(), result, path_);
  // The statement keeps a copy of its text, which lives as long as the key.
  statements_.emplace(std::string_view(sqlite3_sql(statement)), statement);
  return Query(connection_.get(), statement, path_);
}

Result<std::int64_t> Database::number(std::string_view sql) {
  AGDB_TRY(Query query, this->query(sql));
  AGDB_TRY(const bool row, query.step());
  if (!row) return fail(Code::kCorrupt, fmt::format("store {}: a value is missing", path_));
  return query.integer(0);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(connection_.get());
}

std::int64_t Database::total_changes() const {
  return sqlite3_total_changes64(connection_.get());
}

Result<Transaction> Transaction::begin(Database& database) {
  AGDB_TRY(Query query, database.query("BEGIN IMMEDIATE"));
  AGDB_CHECK_OK(query.run());
  return Transaction(database);
}

Transaction::~Transaction() {
  // Some errors have ended it already; then this fails, and may.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

Status Transaction::commit() {
  AGDB_TRY(Query query, database_->query("COMMIT"));
  AGDB_CHECK_OK(query.run());
  database_ = nullptr;
  return {};
}

}  // namespace agdb

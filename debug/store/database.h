#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/events/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace agdb {

// One use of a prepared statement: bind, step, read columns. Ends (and gives the statement back)
// when it goes away, so two uses of one statement cannot overlap.
class Query {
 public:
  Query(sqlite3* connection, sqlite3_stmt* statement, std::string_view path)
      : connection_(connection), statement_(statement), path_(path) {}
  ~Query();
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;

  // The next parameter, from the first on. Texts are borrowed: they outlive this.
  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);

  // Whether there is a row (another one).
  Result<bool> step();
  // To its end, for what has no rows.
  Status run();
  // Begins again, with parameters to be bound anew.
  void reset();

  // Of the row that step found. Views are valid until the next step.
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;

 private:
  sqlite3* connection_;
  sqlite3_stmt* statement_;
  std::string_view path_;
  int bound_ = 0;
};

// A connection to an SQLite file, with the statements that it has prepared. One thread at a time.
class Database {
 public:
  // The file exists. Waits for others up to ten seconds.
  static Result<Database> open(const std::string& path);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // Statements without parameters and rows, one behind the other.
  Status execute(const std::string& sql);
  // Prepared the first time. The text is the key, so it holds no values.
  Result<Query> query(std::string_view sql);
  // The first column of the first row; an error where there is none.
  Result<std::int64_t> number(std::string_view sql);
  // Rows that the last statement changed.
  std::int64_t changes() const;
  // Rows that all statements of this connection changed, those within an index of texts included.
  std::int64_t total_changes() const;

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  std::string path_;
  std::unique_ptr<sqlite3, Close> connection_;
  // After the connection: statements go first.
  std::unordered_map<std::string_view, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

// A write transaction: begun at once, so that it cannot fail halfway because of another writer.
// Undone when it goes away without commit.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace agdb

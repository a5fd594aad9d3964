#include "debug/store/connections.h"

#include <fmt/format.h>

namespace agdb {

Connections::Connections(std::string path, const Clock& clock, Database writer)
    : path_(std::move(path)),
      clock_(clock),
      identity_(identity_of(path_)),
      writer_(std::move(writer)) {}

Status Connections::run(Database& database, std::string_view sql) {
  AGDB_TRY(Query query, database.query(sql));
  return query.run();
}

Status Connections::check_still_there() const {
  if (identity_of(path_) == identity_) return {};
  return fail(Code::kUnavailable, fmt::format("store {} was replaced by another file", path_),
              "open it again");
}

Result<Database> Connections::take_reader() {
  {
    const std::scoped_lock lock(idle_mutex_);
    if (!idle_.empty()) {
      Database database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  AGDB_TRY(Database database, Database::open(path_));
  AGDB_CHECK_OK(database.execute("PRAGMA query_only = 1; PRAGMA cache_size = -16000;"));
  return database;
}

// The number means something to one connection only, so it is always the same one's.
Result<std::int64_t> Connections::version() {
  const std::scoped_lock lock(watching_);
  if (!watcher_) {
    AGDB_TRY(Database database, take_reader());
    watcher_.emplace(std::move(database));
  }
  const Nanoseconds now = clock_.now();
  // Taken back before the look: what is written during it is looked for the next time.
  if (!has_written_.exchange(false) && now - looked_at_ < kLookEvery) return version_;
  const Result<std::int64_t> version = watcher_->number("PRAGMA data_version");
  if (!version) {
    has_written_ = true;
    return version;
  }
  version_ = *version;
  looked_at_ = now;
  return version_;
}

void Connections::give_back(Database database) {
  const std::scoped_lock lock(idle_mutex_);
  idle_.push_back(std::move(database));
}

}  // namespace agdb

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/store/database.h"
#include "debug/store/store_file.h"
#include "runtime/events/clock.h"

namespace agdb {

// The connections of one process to a store: one that writes, and as many that read as threads do
// at once. Any thread.
class Connections {
 public:
  // `writer` is open, on a file whose tables are there. `clock` outlives this.
  Connections(std::string path, const Clock& clock, Database writer);

  // Runs `work` on the writer, in a transaction that ends well only if `work` does.
  template <typename Work>
  auto write(const Work& work) -> decltype(work(std::declval<Database&>())) {
    const std::scoped_lock lock(writing_);
    AGDB_CHECK_OK(check_still_there());
    AGDB_TRY(Transaction transaction, Transaction::begin(writer_));
    auto done = work(writer_);
    if (!done) return done;
    Status committed = transaction.commit();
    has_written_ = true;
    AGDB_CHECK_OK(committed);
    return done;
  }

  // Runs `work` on a connection of its own, which sees one state of the store throughout.
  template <typename Work>
  auto read(const Work& work) -> decltype(work(std::declval<Database&>())) {
    AGDB_TRY(Database database, take_reader());
    AGDB_CHECK_OK(run(database, "BEGIN"));
    auto done = work(database);
    if (Status ended = run(database, "COMMIT"); ended) give_back(std::move(database));
    return done;
  }

  // Differs from what it was before when somebody has written meanwhile: at once what was written
  // through this, within a millisecond what anybody else has. To look each time costs two locks of
  // the file and more, several microseconds.
  static constexpr Nanoseconds kLookEvery = std::chrono::milliseconds(1);
  Result<std::int64_t> version();

 private:
  static Status run(Database& database, std::string_view sql);
  // Another process may have set the file aside: what is written to it then is lost.
  Status check_still_there() const;
  Result<Database> take_reader();
  void give_back(Database database);

  const std::string path_;
  const Clock& clock_;
  const FileIdentity identity_;
  std::mutex writing_;  // writer_
  Database writer_;
  std::mutex idle_mutex_;  // idle_
  std::vector<Database> idle_;
  std::atomic<bool> has_written_ = true;  // since version_ was read
  std::mutex watching_;                   // all below
  std::optional<Database> watcher_;
  std::int64_t version_ = 0;
  Nanoseconds looked_at_{0};
};

}  // namespace agdb

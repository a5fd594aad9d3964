#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "debug/store/schema.h"
#include "store_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class OpenStore : public StoreTest {
 protected:
  // As another program would change the file.
  void execute(const char* sql) const {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &connection), SQLITE_OK);
    char* why = nullptr;
    EXPECT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, &why), SQLITE_OK) << why;
    sqlite3_close(connection);
  }
  void write_file(std::string_view bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path()).parent_path());
    std::ofstream(path(), std::ios::binary) << bytes;
  }
  std::string read_file() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void fill(int runs) const {
    TraceStore store = open();
    std::vector<RunTrace> traces;
    for (int i = 0; i < runs; ++i) traces.push_back(a_run("flow " + std::to_string(i)));
    ASSERT_TRUE(store.record_all(traces));
  }
  static unsigned mode_of(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }
};

TEST_F(OpenStore, EmptyAtFirst) {
  const TraceStore store = open();
  EXPECT_EQ(store.len(), 0);
  EXPECT_EQ(store.total_recorded(), 0);
  EXPECT_THAT(ids_of(store.recent({})), IsEmpty());
  EXPECT_THAT(store.notes(), IsEmpty());
  EXPECT_EQ(wrong_sums_of(store), "");
}

TEST_F(OpenStore, FilesArePrivate) {
  TraceStore store = open();
  ASSERT_TRUE(store.record(a_run("a")));
  EXPECT_EQ(mode_of(std::filesystem::path(path()).parent_path().string()), 0700u);
  EXPECT_EQ(mode_of(path()), 0600u);
  EXPECT_EQ(mode_of(path() + "-wal"), 0600u);
  EXPECT_EQ(mode_of(path() + "-shm"), 0600u);
}

TEST_F(OpenStore, OpenedAgainItKnowsEverything) {
  fill(3);
  TraceStore store = open();
  EXPECT_EQ(store.len(), 3);
  EXPECT_EQ(store.record(a_run("d")), StoredId{4});
}

TEST_F(OpenStore, ANewerVersionIsRefusedAndLeftAlone) {
  fill(3);
  execute("PRAGMA user_version = 99");
  const Result<TraceStore> store = try_open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kUnsupported);
  EXPECT_THAT(store.error().message, HasSubstr("version 99"));
  execute(fmt::format("PRAGMA user_version = {}", kStoreVersion).c_str());
  EXPECT_EQ(open().len(), 3);
}

// As the next version of this program would: the same steps, and one more.
class Migration : public OpenStore {
 protected:
  Status bring_up(const char* step) const {
    std::vector<const char*> steps(schema_steps().begin(), schema_steps().end());
    steps.push_back(step);
    AGDB_TRY(Database database, Database::open(path()));
    return prepare_schema(database, path(), steps);
  }
  Result<std::int64_t> number(std::string_view sql) const {
    AGDB_TRY(Database database, Database::open(path()));
    return database.number(sql);
  }
};

TEST_F(Migration, AnOlderVersionIsBroughtUpWithItsRows) {
  fill(3);
  ASSERT_TRUE(
      bring_up("ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
               "UPDATE runs SET colour = 'green' WHERE flow_name = 'flow 1'"));
  EXPECT_EQ(number("PRAGMA user_version"), kStoreVersion + 1);
  EXPECT_EQ(number("SELECT count(*) FROM runs WHERE colour = 'red'"), 2);
  EXPECT_EQ(number("SELECT id FROM runs WHERE colour = 'green'"), 2);
  // Which this program refuses, and leaves alone.
  const Result<TraceStore> store = try_open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kUnsupported);
  EXPECT_THAT(message_of(store.error()), HasSubstr("a newer agdb reads it"));
  EXPECT_EQ(number("SELECT count(*) FROM runs"), 3);
}

TEST_F(Migration, AStepIsDoneOnce) {
  fill(3);
  const char* step = "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'";
  ASSERT_TRUE(bring_up(step));
  EXPECT_TRUE(bring_up(step));
}

TEST_F(Migration, AStepThatFailsLeavesTheOlderVersionWhole) {
  fill(3);
  EXPECT_FALSE(
      bring_up("ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
               "INSERT INTO no_such_table VALUES (1)"));
  EXPECT_EQ(number("PRAGMA user_version"), kStoreVersion);
  const TraceStore store = open();
  EXPECT_EQ(store.len(), 3);
  EXPECT_EQ(wrong_sums_of(store), "");
}

TEST_F(Migration, EveryOlderVersionIsBroughtUpByThisProgram) {
  for (std::size_t version = 1; version <= schema_steps().size(); ++version) {
    std::filesystem::remove(path());
    write_file("");
    {
      Result<Database> database = Database::open(path());
      ASSERT_TRUE(database);
      ASSERT_TRUE(prepare_schema(*database, path(), schema_steps().first(version)));
      ASSERT_TRUE(database->execute("INSERT INTO annotations VALUES (1, 1, 5, 'me', 'old', '')"));
    }
    TraceStore store = open();
    EXPECT_EQ(number("PRAGMA user_version"), kStoreVersion) << version;
    EXPECT_EQ(number("SELECT count(*) FROM annotations"), 1) << version;
    EXPECT_EQ(store.record(a_run("a")), StoredId{1}) << version;
  }
}

TEST_F(OpenStore, AnotherProgramsDatabaseIsRefusedAndLeftAlone) {
  write_file("");
  execute("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
  const std::string before = read_file();
  const Result<TraceStore> store = try_open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kInvalid);
  EXPECT_THAT(store.error().message, HasSubstr("another program's"));
  EXPECT_EQ(read_file(), before);
}

TEST_F(OpenStore, AFileThatIsNoDatabaseIsKeptAside) {
  const std::string text = "This is no database, whatever its name says. " + std::string(5000, 'x');
  write_file(text);
  TraceStore store = open();
  ASSERT_THAT(store.notes(), SizeIs(1));
  EXPECT_THAT(store.notes().front(), HasSubstr(path() + ".corrupt-1"));
  EXPECT_EQ(store.record(a_run("a")), StoredId{1});
  EXPECT_EQ(store.lacks_recorded_runs(), true);
  std::ifstream aside(path() + ".corrupt-1", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(aside), {}), text);
}

TEST_F(OpenStore, ItRemembersThatItLacksRunsUntilItWasFilled) {
  EXPECT_EQ(open().lacks_recorded_runs(), false);
  write_file("no database");
  EXPECT_EQ(open().lacks_recorded_runs(), true);
  {
    TraceStore store = open();
    EXPECT_THAT(store.notes(), SizeIs(0));
    EXPECT_EQ(store.lacks_recorded_runs(), true);
    EXPECT_TRUE(store.has_recorded_runs());
  }
  EXPECT_EQ(open().lacks_recorded_runs(), false);
}

TEST_F(OpenStore, ADamagedFileIsKeptAsideUnderAFreeName) {
  for (const char* aside : {".corrupt-1", ".corrupt-2"}) {
    fill(200);
    std::string bytes = read_file();
    ASSERT_GT(bytes.size(), 40'000u);
    std::fill(bytes.begin() + 8192, bytes.begin() + 40'000, '\xee');
    write_file(bytes);
    const TraceStore store = open();
    ASSERT_THAT(store.notes(), SizeIs(1));
    EXPECT_THAT(store.notes().front(), HasSubstr(aside));
    EXPECT_EQ(store.len(), 0);
  }
}

TEST_F(OpenStore, ACutFileIsKeptAside) {
  fill(200);
  const std::string whole = read_file();
  for (const std::size_t size : {std::size_t{1}, std::size_t{50}, std::size_t{4096},
                                 std::size_t{10'000}, whole.size() - 4096, whole.size() - 1}) {
    write_file(std::string_view(whole).substr(0, size));
    const TraceStore store = open();
    EXPECT_THAT(store.notes(), SizeIs(1)) << size;
    EXPECT_EQ(store.len(), 0) << size;
  }
}

// Whatever a byte becomes, opening and reading end in order.
TEST_F(OpenStore, AnyByteMayBeWrong) {
  fill(60);
  const std::string whole = read_file();
  for (std::size_t i = 0; i < whole.size(); i += whole.size() / 120) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x41);
    write_file(bytes);
    Result<TraceStore> store = try_open();
    if (!store) continue;
    static_cast<void>(store->for_each({}, [](const RunTrace&) { return true; }));
    static_cast<void>(store->search("flow", {}));
    static_cast<void>(store->stats());
    static_cast<void>(store->aggregate(0));
    static_cast<void>(store->record(a_run("after")));
  }
}

TEST_F(OpenStore, WhoHasItOpenWhileItIsSetAsideIsTold) {
  TraceStore old = open();
  ASSERT_TRUE(old.record(a_run("a")));
  std::filesystem::rename(path(), path() + ".moved");
  TraceStore anew = open();
  const Result<StoredId> lost = old.record(a_run("b"));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::kUnavailable);
  EXPECT_TRUE(anew.record(a_run("b")));
}

TEST_F(OpenStore, AFolderInItsPlaceIsAnError) {
  std::filesystem::create_directories(path());
  const Result<TraceStore> store = try_open();
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr(path()));
}

TEST_F(OpenStore, AFileInTheFoldersPlaceIsAnError) {
  const std::string folder = std::filesystem::path(path()).parent_path().string();
  std::ofstream(folder) << "x";
  EXPECT_FALSE(try_open());
}

TEST_F(OpenStore, ACapacityOutOfRangeIsRefused) {
  EXPECT_FALSE(try_open({.capacity = 0}));
  EXPECT_FALSE(try_open({.capacity = -1}));
  EXPECT_FALSE(try_open({.capacity = 60'000'000}));
}

}  // namespace
}  // namespace agdb

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <thread>

#include "store_fixture.h"

namespace agdb {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

using Processes = StoreTest;

TEST_F(Processes, TwoWriteAtOnce) {
  constexpr int kEach = 100;
  const auto write = [&](const char* flow) {
    Result<TraceStore> store = try_open();
    if (!store) return false;
    for (int i = 0; i < kEach; ++i)
      if (!store->record(a_run(flow))) return false;
    return true;
  };
  const pid_t one = in_child([&] { return write("one"); });
  const pid_t two = in_child([&] { return write("two"); });
  EXPECT_TRUE(ended_well(one));
  EXPECT_TRUE(ended_well(two));
  const TraceStore store = open();
  EXPECT_EQ(store.len(), 2 * kEach);
  EXPECT_EQ(wrong_sums_of(store), "");
  const std::vector<std::uint64_t> ids = ids_of(store.recent({.limit = 1000}));
  ASSERT_THAT(ids, SizeIs(2 * kEach));
  EXPECT_EQ(ids.front(), 2u * kEach);
  EXPECT_EQ(ids_of(store.recent({.limit = 1000}, {.flow_name = "one"})).size(), kEach);
}

TEST_F(Processes, OneReadsWhatAnotherHasWritten) {
  const TraceStore store = open();
  EXPECT_EQ(store.len(), 0);
  EXPECT_TRUE(ended_well(in_child([&] {
    Result<TraceStore> other = try_open();
    return other && other->record(a_run("from the other"));
  })));
  EXPECT_THAT(ids_of(store.search("from the other", {})), SizeIs(1));
}

// The daemon has the store open for runs that end, and for HTTP. The other process is born before,
// so that it does not take this one's locks for its own.
TEST_F(Processes, AProcessMayOpenItTwiceBesideAnother) {
  std::array<int, 2> go{};
  ASSERT_EQ(::pipe(go.data()), 0);
  const pid_t other = in_child([&] {
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) return false;
    const Result<TraceStore> store = try_open();
    return store && store->len() == 1;
  });
  TraceStore first = open();
  ASSERT_TRUE(first.record(a_run("before")));
  const TraceStore second = open();
  EXPECT_EQ(second.len(), 1);
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_TRUE(ended_well(other));
  EXPECT_TRUE(std::filesystem::exists(path() + "-wal")) << "this process still writes to its log";
  for (const int fd : go) ::close(fd);
}

TEST_F(Processes, TheVersionTellsWhatWasWrittenHereAtOnceAndElsewhereAMillisecondLater) {
  TraceStore store = open();
  const std::int64_t first = *store.version();
  EXPECT_EQ(store.version(), first);
  ASSERT_TRUE(store.record(a_run("here")));
  const std::int64_t second = *store.version();
  EXPECT_NE(second, first);
  EXPECT_TRUE(ended_well(in_child([&] {
    Result<TraceStore> other = try_open();
    return other && other->record(a_run("elsewhere"));
  })));
  EXPECT_EQ(store.version(), second);
  clock.passed += std::chrono::milliseconds(1);
  const std::int64_t third = *store.version();
  EXPECT_NE(third, second);
  clock.passed += std::chrono::milliseconds(1);
  EXPECT_EQ(store.version(), third);
}

TEST_F(Processes, ManyThreadsReadWhileOneWrites) {
  TraceStore store = open();
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        // One state throughout: the sums are those of the flows.
        const Result<RunAggregate> all = store.aggregate(0);
        std::int64_t sum = 0;
        if (all)
          for (const FlowAggregate& flow : all->flows) sum += flow.count;
        if (!all || sum != all->count) ++wrong;
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    const std::vector<RunTrace> runs(7, a_run("flow " + std::to_string(i % 5)));
    EXPECT_TRUE(store.record_all(runs));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(store.len(), 420);
}

// Kills a writer at some moment, and looks at what it left: all that it had an answer for, at most
// one more, and sums that are right.
TEST_F(Processes, AKilledWriterLosesAtMostTheTraceAtHand) {
  std::int64_t had = 0;
  for (int round = 0; round < 12; ++round) {
    int ends[2] = {};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = in_child([&] {
      ::close(ends[0]);
      Result<TraceStore> store = try_open();
      if (!store) return false;
      for (;;) {
        RunTrace run = a_run("to be killed", RunStatus::kFailed, round);
        run.events = {{"step", 1, "step", std::string(3000, 'x')}};
        if (!store->record(run)) return false;
        if (::write(ends[1], "x", 1) != 1) return false;
      }
    });
    ::close(ends[1]);
    // Dies somewhere in the trace after this many.
    std::int64_t told = 0;
    char byte = 0;
    while (told < 3 + round && ::read(ends[0], &byte, 1) == 1) ++told;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &byte, 1) == 1) ++told;
    ::close(ends[0]);
    ASSERT_GE(told, 3 + round);
    const TraceStore store = open();
    EXPECT_THAT(store.notes(), IsEmpty());
    const Result<std::int64_t> len = store.len();
    ASSERT_TRUE(len);
    EXPECT_GE(*len, had + told);
    EXPECT_LE(*len, had + told + 1);
    EXPECT_EQ(wrong_sums_of(store), "");
    had = *len;
  }
}

// A limit on the size of files is to a program what a full disk is.
TEST_F(Processes, AFullDiskIsSaidAndNothingIsHalfWritten) {
  const pid_t child = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    Result<TraceStore> store = try_open();
    if (!store || !store->record(a_run("before"))) return false;
    const rlimit before = [] {
      rlimit limit = {};
      ::getrlimit(RLIMIT_FSIZE, &limit);
      return limit;
    }();
    const rlimit full = {.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    if (::setrlimit(RLIMIT_FSIZE, &full) != 0) return false;
    RunTrace run = a_run("big");
    for (int i = 0; i < 200; ++i)
      run.events.push_back({.event_type = "step", .detail = std::string(3000, 'a')});
    std::int64_t done = 1;
    Result<StoredId> id = StoredId{};
    for (; done < 100 && (id = store->record(run)); ++done) continue;
    if (id || id.error().code != Code::kIo) return false;
    if (store->len() != done || !wrong_sums_of(*store).empty()) return false;
    // There is room again.
    if (::setrlimit(RLIMIT_FSIZE, &before) != 0) return false;
    return store->record(run).has_value() && store->len() == done + 1 &&
           wrong_sums_of(*store).empty();
  });
  EXPECT_TRUE(ended_well(child));
  EXPECT_THAT(open().notes(), IsEmpty());
}

}  // namespace
}  // namespace agdb

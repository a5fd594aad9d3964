// Writers, readers and followers of the same recordings, all at once and in no order. Each loop
// ends because its recording does.

#include <functional>
#include <thread>

#include "debug/record/verify.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::IsEmpty;

constexpr std::uint64_t kEvents = 600;

class ManyAtOnceTest : public RecordTest {
 protected:
  // Of PID `number`, on the disk as it is.
  std::unique_ptr<Recorder> begin(std::uint64_t number) {
    auto created =
        Recorder::create(disk_, records_, pid(number), birth(), {}, [](const std::string&) {});
    EXPECT_TRUE(created) << created.error().message;
    return *std::move(created);
  }

  // Appends to a context, with calls between, and hands over every few events.
  static void write_all(Recorder& recorder) {
    ProcessEvents process(recorder.metadata().pid);
    recorder.record(process.context(ctx(1), 0, {message("user", "0")}, "p"), Nanoseconds(1));
    for (std::uint64_t i = 2; i <= kEvents; ++i) {
      recorder.record(i % 3 == 0 ? process.append(ctx(1), "user", std::to_string(i / 3))
                                 : process.call("Read", {}, std::string(i % 400, 'x')),
                      Nanoseconds(1));
      if (i % 7 == 0) EXPECT_TRUE(recorder.flush());
    }
    EXPECT_TRUE(recorder.finish(kStatusCompleted, "completed", process.last_n()));
  }

  // Whether what can be read is what was written, from event `from` on. Returns the next one.
  static std::uint64_t check(const Recording& recording, std::uint64_t from) {
    for (; from <= recording.size(); ++from) {
      const Result<RecordedEvent> event = recording.event_at(from - 1);
      if (!event) {
        ADD_FAILURE() << event.error().message;
        break;
      }
      EXPECT_EQ(event->seq_num, seq(from));
      EXPECT_EQ(event->n, from);
    }
    EXPECT_THAT(recording.damage(), IsEmpty());
    if (recording.empty()) return from;
    const Result<RestoredContext> context = recording.context_at(seq(recording.size()));
    EXPECT_TRUE(context) << context.error().message;
    if (context) EXPECT_EQ(context->messages.size(), recording.size() / 3 + 1);
    return from;
  }

  // Opens it again and again.
  void read(const std::string& folder) {
    for (bool live = true; live;) {
      const Recording recording = open(folder);
      live = recording.live();
      const std::uint64_t next = check(recording, 1);
      if (!live) EXPECT_EQ(next, kEvents + 1);
    }
  }

  // Opens it once and sees each event once.
  void follow(const std::string& folder) {
    Recording recording = open(folder);
    std::uint64_t next = check(recording, 1);
    while (recording.live()) {
      EXPECT_TRUE(recording.refresh());
      next = check(recording, next);
    }
    EXPECT_EQ(next, kEvents + 1);
    EXPECT_EQ(recording.metadata().status, "completed");
  }

  static void run_together(const std::vector<std::function<void()>>& all) {
    std::vector<std::thread> threads;
    for (const auto& each : all) threads.emplace_back(each);
    for (std::thread& each : threads) each.join();
  }

  FileSystem disk_;
};

TEST_F(ManyAtOnceTest, TwoRecordersTwoReadersAndAFollower) {
  const auto first = begin(7);
  const auto second = begin(8);
  run_together({[&] { write_all(*first); }, [&] { write_all(*second); },
                [&] { read(first->folder()); }, [&] { read(second->folder()); },
                [&] { follow(first->folder()); }});
  expect_sound(first->folder());
  expect_sound(second->folder());
}

TEST_F(ManyAtOnceTest, AllReadersOfOneRecording) {
  const auto recorder = begin(7);
  const std::string folder = recorder->folder();
  run_together({[&] { write_all(*recorder); }, [&] { read(folder); }, [&] { read(folder); },
                [&] { follow(folder); }, [&] { follow(folder); }});
  expect_sound(folder);
}

TEST_F(ManyAtOnceTest, CheckingARecordingThatGrowsFindsNothing) {
  const auto recorder = begin(7);
  const std::string folder = recorder->folder();
  const auto verify = [&] {
    for (bool live = true; live;) {
      const Result<VerifyReport> report = verify_recording(folder);
      ASSERT_TRUE(report) << report.error().message;
      for (const VerifyFinding& finding : report->findings) ADD_FAILURE() << finding.what;
      live = report->live;
    }
  };
  run_together({[&] { write_all(*recorder); }, verify, [&] { read(folder); }});
}

}  // namespace
}  // namespace agdb

#include "debug/replay/replay_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/debug/replay/test_recording.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Recording calls(int count) {
  TestRecording recording;
  for (int i = 1; i <= count; ++i) recording.call("TestCall", Json::object({{"seq", i}}));
  return recording.open();
}

// "5", or the error's text.
std::string text(const Result<RecordedEvent>& event) {
  return event ? std::to_string(raw(event->seq_num)) : event.error().message;
}

std::vector<std::string> numbers(const Result<std::vector<ReplayListItem>>& items) {
  std::vector<std::string> texts;
  if (!items) return {items.error().message};
  for (const ReplayListItem& item : *items) {
    texts.push_back((item.is_cursor ? ">" : "") + std::to_string(raw(item.event.seq_num)));
  }
  return texts;
}

constexpr char kAtEnd[] = "replay: already at end of recording";
constexpr char kAtBeginning[] = "replay: already at beginning of recording";
constexpr char kNotStarted[] = "replay: no current event (not started)";

TEST(ReplaySession, StandsBeforeTheFirstEventAtFirst) {
  const Recording recording = calls(3);
  ReplaySession session(recording);
  EXPECT_EQ(session.position(), (ReplayPosition{-1, 3}));
  EXPECT_EQ(text(session.current()), kNotStarted);
  EXPECT_EQ(text(session.prev()), kAtBeginning);
  EXPECT_THAT(numbers(session.list(5)), IsEmpty());
  EXPECT_EQ(text(session.next()), "1");
  EXPECT_EQ(text(session.current()), "1");
}

TEST(ReplaySession, StepsForwardsAndBackwards) {
  const Recording recording = calls(3);
  ReplaySession session(recording);
  EXPECT_EQ(text(session.next()), "1");
  EXPECT_EQ(text(session.next()), "2");
  EXPECT_EQ(text(session.next()), "3");
  EXPECT_EQ(text(session.next()), kAtEnd);
  EXPECT_EQ(session.position(), (ReplayPosition{2, 3}));
  EXPECT_EQ(text(session.prev()), "2");
  EXPECT_EQ(text(session.prev()), "1");
  EXPECT_EQ(text(session.prev()), kAtBeginning);
  EXPECT_EQ(session.position(), (ReplayPosition{0, 3}));
}

TEST(ReplaySession, OfAnEmptyRecordingGoesNowhere) {
  const Recording recording = calls(0);
  ReplaySession session(recording);
  EXPECT_EQ(text(session.next()), kAtEnd);
  EXPECT_EQ(text(session.prev()), kAtBeginning);
  EXPECT_EQ(text(session.current()), kNotStarted);
  EXPECT_EQ(text(session.go_to(SeqNum{1})), "replay: event with SeqNum 1 not found");
  EXPECT_EQ(text(session.go_to_first()), "replay: recording is empty");
  EXPECT_EQ(text(session.go_to_last()), "replay: recording is empty");
  EXPECT_EQ(text(session.go_to_time(Nanoseconds{0})), "replay: no event at or before +0s");
  EXPECT_THAT(numbers(session.list(5)), IsEmpty());
  EXPECT_EQ(session.position(), (ReplayPosition{-1, 0}));
}

TEST(ReplaySession, GoesToNumbersAcrossHoles) {
  TestRecording written;
  written.call("A");
  written.jump_to(1000);
  written.call("B");
  written.call("C");
  const Recording recording = written.open();
  ReplaySession session(recording);
  EXPECT_EQ(text(session.go_to(SeqNum{1000})), "1000");
  EXPECT_EQ(session.position(), (ReplayPosition{1, 3}));
  EXPECT_EQ(text(session.prev()), "1");
  EXPECT_EQ(text(session.next()), "1000");
  EXPECT_EQ(text(session.go_to(SeqNum{500})), "replay: event with SeqNum 500 not found");
  EXPECT_EQ(text(session.go_to(SeqNum{0})), "replay: event with SeqNum 0 not found");
  EXPECT_EQ(text(session.go_to(SeqNum{UINT64_MAX})),
            "replay: event with SeqNum 18446744073709551615 not found");
  EXPECT_EQ(session.position(), (ReplayPosition{1, 3}));
}

TEST(ReplaySession, GoesToTheFirstAndTheLast) {
  const Recording recording = calls(4);
  ReplaySession session(recording);
  EXPECT_EQ(text(session.go_to_last()), "4");
  EXPECT_EQ(text(session.go_to_first()), "1");
}

TEST(ReplaySession, GoesToATime) {
  const Recording recording = calls(4);
  ReplaySession session(recording);
  const auto ms = [](int n) { return Nanoseconds(std::chrono::milliseconds(n)); };
  EXPECT_EQ(text(session.go_to_time(ms(99))), "replay: no event at or before +99ms");
  EXPECT_EQ(session.position().cursor, -1);
  EXPECT_EQ(text(session.go_to_time(ms(100))), "1");
  EXPECT_EQ(text(session.go_to_time(ms(399))), "3");
  EXPECT_EQ(text(session.go_to_time(ms(1'000'000))), "4");
}

TEST(ReplaySession, ListsAWindowAroundTheCursor) {
  const Recording recording = calls(6);
  ReplaySession session(recording);
  ASSERT_TRUE(session.go_to(SeqNum{3}));
  EXPECT_THAT(numbers(session.list(0)), ElementsAre(">3"));
  EXPECT_THAT(numbers(session.list(1)), ElementsAre("2", ">3", "4"));
  EXPECT_THAT(numbers(session.list(2)), ElementsAre("1", "2", ">3", "4", "5"));
  EXPECT_THAT(numbers(session.list(99)), ElementsAre("1", "2", ">3", "4", "5", "6"));
  EXPECT_THAT(numbers(session.list(SIZE_MAX)), ElementsAre("1", "2", ">3", "4", "5", "6"));
  ASSERT_TRUE(session.go_to_last());
  EXPECT_THAT(numbers(session.list(1)), ElementsAre("5", ">6"));
}

TEST(ReplaySession, SkipsDamagedLines) {
  TestRecording written;
  written.call("A");
  written.line("{damaged");
  written.jump_to(3);
  written.call("C");
  const Recording recording = written.open();
  EXPECT_EQ(recording.damage().size(), 1u);
  ReplaySession session(recording);
  EXPECT_EQ(text(session.next()), "1");
  EXPECT_EQ(text(session.next()), "3");
  EXPECT_EQ(text(session.next()), kAtEnd);
  EXPECT_EQ(text(session.prev()), "1");
}

TEST(ReplaySession, WalksThroughEventsOfUnknownTypes) {
  TestRecording written;
  written.line(R"({"seq_num":1,"timestamp":0,"pid":1,"type":"hologram","hologram":{}})");
  const Recording recording = written.open();
  ReplaySession session(recording);
  EXPECT_EQ(text(session.next()), "1");
}

class ReplaySearch : public testing::Test {
 protected:
  void SetUp() override {
    TestRecording written;
    written.call("Open", Json::object({{"path", "/dev/llm/scripted"}}), 3);    // 1
    written.call("Write", Json::object({{"fd", 3}, {"size", 10}}), 10);        // 2
    written.call("Read", Json::object({{"fd", 3}}));                           // 3
    written.call("Open", Json::object({{"path", "/dev/tool/read_file"}}), 4);  // 4
    written.call("Read", Json::object({{"fd", 4}}), "Needle");                 // 5
    written.call("Close", Json::object({{"fd", 3}}));                          // 6
    recording_.emplace(written.open());
    session_.emplace(*recording_);
  }

  std::string find(SearchDirection direction, const std::string& needle) {
    return found(session_->find(direction, contains_text(needle)));
  }
  std::string filter(SearchDirection direction, const std::string& expression) {
    const Result<Filter> filter = Filter::parse(expression);
    return filter ? found(session_->find(direction, *filter)) : filter.error().message;
  }
  std::string found(const SearchResult& result) {
    EXPECT_EQ(result.unreadable, 0u);
    return result.event ? std::to_string(raw(result.event->seq_num)) : "none";
  }
  std::int64_t cursor() { return session_->position().cursor; }

  static constexpr SearchDirection kForward = SearchDirection::kForward;
  static constexpr SearchDirection kBackward = SearchDirection::kBackward;
  std::optional<Recording> recording_;
  std::optional<ReplaySession> session_;
};

TEST_F(ReplaySearch, FindsTextInEitherCaseAndMovesThere) {
  EXPECT_EQ(find(kForward, "nEEdle"), "5");
  EXPECT_EQ(cursor(), 4);
}

TEST_F(ReplaySearch, GoesOnBehindTheCursor) {
  EXPECT_EQ(find(kForward, "open"), "1");
  EXPECT_EQ(find(kForward, "open"), "4");
  EXPECT_EQ(find(kForward, "open"), "none");
  EXPECT_EQ(cursor(), 3);
  EXPECT_EQ(find(kBackward, "open"), "1");
  EXPECT_EQ(find(kBackward, "open"), "none");
  EXPECT_EQ(cursor(), 0);
}

TEST_F(ReplaySearch, BackwardsFindsNothingWhenNotStarted) {
  EXPECT_EQ(find(kBackward, "open"), "none");
  EXPECT_EQ(filter(kBackward, "Open"), "none");
  EXPECT_EQ(cursor(), -1);
}

TEST_F(ReplaySearch, AFilterKnowsWhatDescriptorsStandFor) {
  EXPECT_EQ(filter(kForward, "trace=%tool"), "4");
  EXPECT_EQ(filter(kForward, "trace=%tool"), "5");
  EXPECT_EQ(filter(kForward, "trace=%llm"), "6");
  EXPECT_EQ(filter(kForward, "trace=%llm"), "none");
  EXPECT_EQ(cursor(), 5);
  EXPECT_EQ(filter(kBackward, "trace=%llm"), "3");
  EXPECT_EQ(filter(kBackward, "trace=%llm"), "2");
}

TEST_F(ReplaySearch, AFilterTakesPatterns) {
  EXPECT_EQ(filter(kForward, "text~N..dle"), "5");
  EXPECT_EQ(filter(kForward, "text~N..dle"), "none");
}

class ReplayContexts : public testing::Test {
 protected:
  void SetUp() override {
    TestRecording written;
    written.call("CtxAlloc");                           // 1
    written.context("p", {user("a")});                  // 2
    written.call("Open");                               // 3
    written.context("p", {user("a"), assistant("b")});  // 4
    recording_.emplace(written.open());
    session_.emplace(*recording_);
  }

  std::optional<Recording> recording_;
  std::optional<ReplaySession> session_;
};

TEST_F(ReplayContexts, DiffsWithoutMoving) {
  const Result<ContextDiff> diff = session_->diff(SeqNum{3}, SeqNum{99});
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->from_seq_num, SeqNum{2});
  EXPECT_EQ(diff->to_seq_num, SeqNum{4});
  EXPECT_EQ(diff->messages.added.size(), 1u);
  EXPECT_EQ(session_->position().cursor, -1);
}

TEST_F(ReplayContexts, DiffsFromTheCursor) {
  EXPECT_EQ(session_->diff_from_cursor(SeqNum{4}).error().message, kNotStarted);
  ASSERT_TRUE(session_->go_to(SeqNum{3}));
  EXPECT_EQ(session_->diff_from_cursor(SeqNum{4})->messages.added.size(), 1u);
  EXPECT_EQ(session_->diff_from_cursor(SeqNum{1}).error().message,
            "diff: no context snapshot found before SeqNum 1");
}

TEST_F(ReplayContexts, ForksAtTheCursorWithoutMoving) {
  EXPECT_EQ(session_->fork().error().message, kNotStarted);
  ASSERT_TRUE(session_->go_to(SeqNum{3}));
  const Result<ForkContext> fork = session_->fork();
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->seq_num, SeqNum{3});
  EXPECT_EQ(fork->messages, std::vector{user("a")});
  EXPECT_EQ(session_->position().cursor, 2);
}

TEST_F(ReplayContexts, ForksOnlyAtEventsThatExist) {
  EXPECT_EQ(session_->fork_at(SeqNum{4})->messages.size(), 2u);
  EXPECT_EQ(session_->fork_at(SeqNum{5}).error().message,
            "replay: record_reader: event with SeqNum 5 not found");
  EXPECT_EQ(session_->fork_at(SeqNum{1}).error().message,
            "fork: no context snapshot found before SeqNum 1");
}

}  // namespace
}  // namespace agdb

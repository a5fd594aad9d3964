// How large recordings grow, and what rebuilding a context reads: the reason for delta snapshots.

#include <numeric>
#include <random>

#include "record_fixture.h"

namespace agdb {
namespace {

class SnapshotGrowthTest : public RecordTest {
 protected:
  void start() {
    recorder_ = recorder({.durability = Durability::kNone});
    whole_ = 0;
    held_.clear();
  }
  void change(CtxId id, std::uint64_t keep, std::vector<Message> messages,
              std::optional<std::string> prompt = {}) {
    std::vector<Message>& held = held_[id];
    held.resize(keep);
    held.insert(held.end(), messages.begin(), messages.end());
    std::vector<std::uint64_t>& bytes = bytes_[id];
    bytes.resize(keep);
    for (const Message& each : messages) bytes.push_back(bytes_of(each));
    whole_ += std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
    recorder_->record(process_.context(id, keep, std::move(messages), std::move(prompt)), now_);
    if (++changes_ % keep_every_ == 0) states_.push_back({seq(recorder_->event_count()), id, held});
  }
  static std::uint64_t bytes_of(const Message& message) {
    std::string json;
    append_json(json, message);
    return json.size();
  }
  void append(CtxId id, Message message) { change(id, held_[id].size(), {std::move(message)}); }
  void finish() { ASSERT_TRUE(recorder_->finish(kStatusCompleted, "", process_.last_n())); }

  // A message of a length that agents write: mostly short, at times a file.
  Message said(std::string role) {
    const std::size_t length = random_() % 10 == 0 ? 4000 : 100 + random_() % 600;
    std::string text;
    while (text.size() < length) text += "word" + std::to_string(random_() % 1000) + ' ';
    return message(std::move(role), std::move(text));
  }

  // Each state comes back as it was, and reads little more than itself.
  void expect_all_come_back() {
    const Recording recording = open(*recorder_);
    double worst = 0;
    for (const State& state : states_) {
      const Result<RestoredContext> context = recording.context_at(state.seq_num, state.ctx);
      ASSERT_TRUE(context) << context.error().message;
      ASSERT_EQ(context->messages, state.messages) << raw(state.seq_num);
      // With what a line has beside texts.
      std::uint64_t own = 250 + context->system_prompt.size();
      for (const Message& each : state.messages) own += bytes_of(each);
      worst = std::max(worst, static_cast<double>(context->bytes_read) / static_cast<double>(own));
    }
    RecordProperty("bytes_read_per_context_byte", std::to_string(worst));
    EXPECT_LT(worst, 2.2);
  }
  std::uint64_t recorded_bytes() { return read_text(recorder_->folder() + "/events.jsonl").size(); }

  struct State {
    SeqNum seq_num;
    CtxId ctx;
    std::vector<Message> messages;
  };
  std::mt19937 random_{7};
  ProcessEvents process_{pid(7)};
  std::unique_ptr<Recorder> recorder_;
  std::map<CtxId, std::vector<Message>> held_;
  std::vector<State> states_;
  std::map<CtxId, std::vector<std::uint64_t>> bytes_;  // of each message held
  std::uint64_t changes_ = 0;
  std::uint64_t keep_every_ = 1;  // of the states, for comparison
  std::uint64_t whole_ = 0;       // bytes of every context written as a whole
  Nanoseconds now_{1};
};

TEST_F(SnapshotGrowthTest, AThousandStepsTakeAFiftiethOfWritingEveryContextWhole) {
  start();
  keep_every_ = 97;
  change(ctx(1), 0, {said("user")}, "You are careful.");
  std::uint64_t unique = 0;
  for (int step = 0; step < 1000; ++step) {
    for (const char* role : {"assistant", "tool"}) {
      Message next = said(role);
      unique += next.content.size();
      append(ctx(1), std::move(next));
    }
  }
  finish();
  const double ratio = static_cast<double>(whole_) / static_cast<double>(recorded_bytes());
  const double overhead = static_cast<double>(recorded_bytes()) / static_cast<double>(unique);
  RecordProperty("whole_contexts_per_recorded_byte", std::to_string(ratio));
  RecordProperty("recorded_bytes_per_unique_byte", std::to_string(overhead));
  EXPECT_GT(ratio, 50);
  EXPECT_LT(overhead, 2.0);
  expect_all_come_back();
}

TEST_F(SnapshotGrowthTest, TwoThousandStepsWithCompactions) {
  start();
  keep_every_ = 61;
  change(ctx(1), 0, {said("user")}, "You are careful.");
  std::uint64_t unique = 0;
  for (int step = 1; step <= 2000; ++step) {
    for (const char* role : {"assistant", "tool"}) {
      Message next = said(role);
      unique += bytes_of(next);
      append(ctx(1), std::move(next));
    }
    if (step % 250 != 0) continue;
    Message summary = said("user");
    unique += bytes_of(summary);
    change(ctx(1), 1, {std::move(summary)});
  }
  finish();
  RecordProperty(
      "whole_contexts_per_recorded_byte",
      std::to_string(static_cast<double>(whole_) / static_cast<double>(recorded_bytes())));
  RecordProperty(
      "recorded_bytes_per_unique_byte",
      std::to_string(static_cast<double>(recorded_bytes()) / static_cast<double>(unique)));
  expect_all_come_back();
}

TEST_F(SnapshotGrowthTest, EditsAndCompactionsReadLittleMoreThanTheContext) {
  start();
  change(ctx(1), 0, {said("user")}, "p");
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t count = held_[ctx(1)].size();
    switch (random_() % 12) {
      case 0:
        change(ctx(1), 1 + random_() % count, {said("user")});  // compaction, of any depth
        break;
      case 1:
        change(ctx(1), count - 1, {said("assistant")});  // the last one replaced
        break;
      case 2:
        change(ctx(1), count, {}, "prompt " + std::to_string(i));
        break;
      default:
        append(ctx(1), said("user"));
    }
  }
  finish();
  expect_all_come_back();
  expect_sound(recorder_->folder());
}

TEST_F(SnapshotGrowthTest, AlternatingContextsHaveShortChainsToo) {
  start();
  keep_every_ = 3;
  for (const CtxId id : {ctx(1), ctx(2)}) change(id, 0, {said("user")}, "p");
  for (int i = 0; i < 300; ++i) append(i % 2 == 0 ? ctx(1) : ctx(2), said("assistant"));
  finish();
  expect_all_come_back();
  RecordProperty(
      "whole_contexts_per_recorded_byte",
      std::to_string(static_cast<double>(whole_) / static_cast<double>(recorded_bytes())));
  EXPECT_LT(recorded_bytes() * 20, whole_);
  expect_sound(recorder_->folder());
}

TEST_F(SnapshotGrowthTest, TinyMessagesDoNotMakeEndlessChains) {
  start();
  keep_every_ = 7;
  change(ctx(1), 0, {}, "");
  for (int i = 0; i < 400; ++i) append(ctx(1), message("user", "y"));
  finish();
  expect_all_come_back();
  expect_sound(recorder_->folder());
}

}  // namespace
}  // namespace agdb

// The context at an event: which snapshot shows it, and how it is put together.

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kLong(500, 'x');

// Writes lines by hand, so that they can be wrong.
class Lines {
 public:
  Lines& call(std::string name, std::uint64_t cid) {
    append_line(text_, next(),
                Syscall{.name = std::move(name), .args = Json::object({{"cid", cid}})});
    return *this;
  }
  Lines& gap() {
    append_line(text_, next(), Gap{.lost_events = 1, .first_n = 1});
    return *this;
  }
  // A full snapshot with those messages, its hash right.
  Lines& full(std::uint64_t cid, std::vector<Message> messages, const std::string& prompt = "p") {
    ContextSnapshot snapshot{.ctx_id = ctx(cid), .system_prompt = prompt, .messages = messages};
    snapshot.hash = hash(prompt, messages);
    return add(std::move(snapshot));
  }
  // A delta; `whole` is what the context should be then.
  Lines& delta(std::uint64_t cid, std::uint64_t base, std::uint64_t keep,
               const std::vector<Message>& whole) {
    ContextSnapshot snapshot{
        .kind = ContextSnapshot::Kind::kDelta, .ctx_id = ctx(cid), .base = seq(base), .keep = keep};
    snapshot.messages.assign(
        whole.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(keep, whole.size())),
        whole.end());
    snapshot.hash = hash("p", whole);
    return add(std::move(snapshot));
  }
  Lines& add(ContextSnapshot snapshot) {
    const LineHead head = next();
    RecordedEvent event{.seq_num = head.seq_num, .pid = head.pid, .type = "context_snapshot"};
    event.payload = std::move(snapshot);
    append_line(text_, event);
    return *this;
  }
  const std::string& text() const { return text_; }

  static std::string hash(const std::string& prompt, const std::vector<Message>& messages) {
    std::vector<Hash128> hashes;
    for (const Message& each : messages) hashes.push_back(hash_of(each));
    return context_hash(xxh3_128(prompt), hashes).hex();
  }

 private:
  LineHead next() { return {.seq_num = seq(++number_), .pid = pid(7)}; }
  std::string text_;
  std::uint64_t number_ = 0;
};

class ContextAtTest : public RecordTest {
 protected:
  const Message a_ = message("user", "a");
  const Message b_ = message("assistant", "b");
  const Message c_ = message("user", "c");

  Recording open(const Lines& lines) { return RecordTest::open(recording(lines.text())); }
  static std::vector<std::string> contents(const Result<RestoredContext>& context) {
    std::vector<std::string> contents;
    if (!context) return {context.error().message};
    for (const Message& each : context->messages) contents.push_back(each.content);
    return contents;
  }
  std::string error_at(const Lines& lines, std::uint64_t number) {
    const Recording recording = open(lines);
    const Result<RestoredContext> context = recording.context_at(seq(number));
    EXPECT_FALSE(context);
    return context ? "" : context.error().message;
  }
};

TEST_F(ContextAtTest, IsTheNearestSnapshotAtOrBefore) {
  Lines lines;
  lines.call("CtxWrite", 1).full(1, {a_}).call("CtxWrite", 1).delta(1, 2, 1, {a_, b_});
  const Recording recording = open(lines);
  EXPECT_EQ(recording.context_at(seq(1)).error().message,
            "no context snapshot found before SeqNum 1");
  EXPECT_THAT(contents(recording.context_at(seq(2))), ElementsAre("a"));
  EXPECT_THAT(contents(recording.context_at(seq(3))), ElementsAre("a"))
      << "at a CtxWrite it is still the state before";
  EXPECT_THAT(contents(recording.context_at(seq(4))), ElementsAre("a", "b"));
  EXPECT_THAT(contents(recording.context_at(seq(1000))), ElementsAre("a", "b"));
  EXPECT_EQ(recording.snapshot_at_or_before(seq(3)), 1u);
  EXPECT_EQ(recording.snapshot_at_or_before(seq(1)), std::nullopt);
}

TEST_F(ContextAtTest, TellsWhereItComesFrom) {
  Lines lines;
  lines.full(3, {a_}, "be brief").call("Open", 0);
  const RestoredContext context = *open(lines).context_at(seq(2));
  EXPECT_EQ(context.ctx_id, ctx(3));
  EXPECT_EQ(context.snapshot, seq(1));
  EXPECT_EQ(context.system_prompt, "be brief");
  EXPECT_THAT(context.message_hashes, ElementsAre(hash_of(a_)));
  EXPECT_EQ(context.hash, Lines::hash("be brief", {a_}));
  EXPECT_FALSE(context.version1);
  EXPECT_GT(context.bytes_read, 0u);
}

TEST_F(ContextAtTest, DefaultsToTheContextLastUsed) {
  Lines lines;
  lines.full(1, {a_}).full(2, {b_}).call("CtxRead", 1).call("Open", 9).call("CtxWrite", 2);
  const Recording recording = open(lines);
  EXPECT_THAT(contents(recording.context_at(seq(2))), ElementsAre("b"));
  EXPECT_THAT(contents(recording.context_at(seq(3))), ElementsAre("a"));
  EXPECT_THAT(contents(recording.context_at(seq(4))), ElementsAre("a")) << "Open uses none";
  EXPECT_THAT(contents(recording.context_at(seq(5))), ElementsAre("b"));
  EXPECT_THAT(contents(recording.context_at(seq(5), ctx(1))), ElementsAre("a"));
  EXPECT_FALSE(recording.context_at(seq(1), ctx(2)));
  EXPECT_FALSE(recording.context_at(seq(5), ctx(3)));
  EXPECT_THAT(recording.contexts(), ElementsAre(ctx(1), ctx(2)));
}

TEST_F(ContextAtTest, AContextWithoutSnapshotsYetIsNotTheLastUsed) {
  Lines lines;
  lines.full(1, {a_}).call("CtxWrite", 2);
  EXPECT_THAT(contents(open(lines).context_at(seq(2))), ElementsAre("a"));
}

TEST_F(ContextAtTest, DeltasAreFollowedOverEditsOfAllKinds) {
  Lines lines;
  lines.full(1, {a_, b_, c_})
      .delta(1, 1, 2, {a_, b_, a_})
      .delta(1, 2, 3, {a_, b_, a_, c_})
      .delta(1, 3, 1, {a_, c_})
      .delta(1, 4, 0, {b_})
      .delta(1, 5, 1, {b_, a_});
  const Recording recording = open(lines);
  EXPECT_THAT(contents(recording.context_at(seq(2))), ElementsAre("a", "b", "a"));
  EXPECT_THAT(contents(recording.context_at(seq(3))), ElementsAre("a", "b", "a", "c"));
  EXPECT_THAT(contents(recording.context_at(seq(4))), ElementsAre("a", "c"));
  EXPECT_THAT(contents(recording.context_at(seq(5))), ElementsAre("b"));
  EXPECT_THAT(contents(recording.context_at(seq(6))), ElementsAre("b", "a"));
}

TEST_F(ContextAtTest, ADeltaMayBuildOnAnyEarlierSnapshotOfItsContext) {
  Lines lines;
  lines.full(1, {a_}).delta(1, 1, 1, {a_, b_}).delta(1, 1, 1, {a_, c_});
  EXPECT_THAT(contents(open(lines).context_at(seq(3))), ElementsAre("a", "c"));
}

TEST_F(ContextAtTest, AGapBetweenSnapshotAndEventIsTold) {
  Lines lines;
  lines.full(1, {a_}).call("CtxRead", 1).gap().call("CtxRead", 1).full(1, {b_});
  const Recording recording = open(lines);
  EXPECT_EQ(recording.context_at(seq(2))->gap, seq(0));
  EXPECT_EQ(recording.context_at(seq(3))->gap, seq(3));
  EXPECT_EQ(recording.context_at(seq(4))->gap, seq(3));
  EXPECT_EQ(recording.context_at(seq(5))->gap, seq(0));
}

// What is damaged is an error that names both numbers, never a wrong context.

TEST_F(ContextAtTest, AWrongHashIsAnErrorThatNamesBothNumbers) {
  Lines lines;
  lines.full(1, {a_}).delta(1, 1, 1, {a_, b_});
  std::string text = lines.text();
  text[text.find("\"a\"") + 1] = 'z';  // in the first snapshot
  const Recording recording = RecordTest::open(this->recording(text));
  const Result<RestoredContext> context = recording.context_at(seq(2));
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().code, Code::kCorrupt);
  EXPECT_THAT(context.error().message,
              testing::AllOf(HasSubstr("#2"), HasSubstr("#1"), HasSubstr("hash")));
}

TEST_F(ContextAtTest, AMissingBaseIsAnError) {
  Lines lines;
  lines.full(1, {a_}).delta(1, 9, 1, {a_, b_});
  EXPECT_THAT(error_at(lines, 2), HasSubstr("#2 builds on #9, which is not there before it"));
}

TEST_F(ContextAtTest, ABaseMustStandBefore) {
  Lines itself;
  itself.delta(1, 1, 0, {a_});
  itself.delta(1, 3, 1, {a_, b_}).delta(1, 2, 1, {a_, b_});
  EXPECT_THAT(error_at(itself, 2), HasSubstr("#2 builds on #3, which is not there before it"));
  EXPECT_THAT(error_at(itself, 3), HasSubstr("#2 builds on #3"));
}

TEST_F(ContextAtTest, ABaseMustBeASnapshotOfTheSameContext) {
  Lines lines;
  lines.call("CtxRead", 1).full(2, {a_}).delta(1, 1, 1, {a_, b_}).delta(1, 2, 1, {a_, b_});
  EXPECT_THAT(error_at(lines, 3), HasSubstr("#3 builds on #1, which is no context snapshot"));
  EXPECT_THAT(error_at(lines, 4), HasSubstr("#4 builds on #2, which is of another context"));
}

TEST_F(ContextAtTest, ADeltaCannotKeepMoreThanThereIs) {
  Lines lines;
  lines.full(1, {a_}).delta(1, 1, 2, {a_, b_});
  EXPECT_THAT(error_at(lines, 2), HasSubstr("of which it keeps 2 messages; it has 1"));
  Lines huge;
  huge.full(1, {a_}).delta(1, 1, ~std::uint64_t{0}, {});
  EXPECT_THAT(error_at(huge, 2), HasSubstr("it has 1"));
}

TEST_F(ContextAtTest, ASnapshotWithoutItsPayloadIsAnError) {
  const Recording recording = RecordTest::open(
      this->recording("{\"seq_num\":1,\"pid\":7,\"type\":\"context_snapshot\"}\n"));
  EXPECT_EQ(recording.context_at(seq(1)).error().message,
            "context snapshot #1 has no context data");
}

TEST_F(ContextAtTest, AVersion1SnapshotIsNoBase) {
  Lines lines;
  lines.add({.kind = ContextSnapshot::Kind::kVersion1, .texts = {"[user] a"}});
  lines.delta(0, 1, 1, {a_, b_});
  EXPECT_THAT(error_at(lines, 2), HasSubstr("of another context"));
}

}  // namespace
}  // namespace agdb

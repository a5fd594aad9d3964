#include "debug/record/snapshot_chain.h"

#include "record_fixture.h"

namespace agdb {
namespace {

using Kind = ContextSnapshot::Kind;

// A chain whose every line becomes part of the recording.
class SnapshotChainTest : public testing::Test {
 protected:
  ContextSnapshot write(CtxId id) {
    std::string line;
    ++last_;
    chain_.append_line(line, {.seq_num = seq(last_), .pid = pid(7)}, id);
    chain_.written(id, seq(last_), line.size());
    const Result<RecordedEvent> event = parse_line(line);
    EXPECT_TRUE(event) << line;
    return std::get<ContextSnapshot>(event->payload);
  }
  bool take(const Event& event) { return chain_.take(std::get<ContextChange>(event.payload)); }
  ContextSnapshot take_and_write(const Event& event) {
    EXPECT_TRUE(take(event));
    return write(std::get<ContextChange>(event.payload).ctx_id);
  }

  ProcessEvents process_{pid(7)};
  SnapshotChain chain_;
  std::uint64_t last_ = 0;
};

const std::string kLong(2000, 'x');

TEST_F(SnapshotChainTest, TheFirstIsFullAndHasThePrompt) {
  const ContextSnapshot first = take_and_write(process_.context(ctx(1), 0, {}, "prompt"));
  EXPECT_EQ(first.kind, Kind::kFull);
  EXPECT_EQ(first.ctx_id, ctx(1));
  EXPECT_EQ(first.system_prompt, "prompt");
  EXPECT_EQ(first.hash, context_hash(xxh3_128("prompt"), {}).hex());
}

TEST_F(SnapshotChainTest, LaterOnesAreDeltasOnTheOneBefore) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "prompt"));
  const ContextSnapshot second = take_and_write(process_.append(ctx(1), "assistant", "hi"));
  EXPECT_EQ(second.kind, Kind::kDelta);
  EXPECT_EQ(second.base, seq(1));
  EXPECT_EQ(second.keep, 1u);
  EXPECT_EQ(second.system_prompt, std::nullopt);
  EXPECT_THAT(second.messages, testing::ElementsAre(message("assistant", "hi")));
  const Hash128 hashes[] = {hash_of(message("user", kLong)), hash_of(message("assistant", "hi"))};
  EXPECT_EQ(second.hash, context_hash(xxh3_128("prompt"), hashes).hex());
}

TEST_F(SnapshotChainTest, ADeltaTellsThePromptOnlyWhenItChanged) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "prompt"));
  EXPECT_EQ(take_and_write(process_.context(ctx(1), 1, {}, "new")).system_prompt, "new");
  EXPECT_EQ(take_and_write(process_.append(ctx(1), "user", "x")).system_prompt, std::nullopt);
}

TEST_F(SnapshotChainTest, ASmallEditIsADelta) {
  take_and_write(process_.context(
      ctx(1), 0, {message("user", kLong), message("user", kLong), message("user", "last")}, "p"));
  const ContextSnapshot edited =
      take_and_write(process_.context(ctx(1), 2, {message("user", "other")}));
  EXPECT_EQ(edited.kind, Kind::kDelta);
  EXPECT_EQ(edited.keep, 2u);
}

TEST_F(SnapshotChainTest, ACompactionIsFull) {
  take_and_write(process_.context(ctx(1), 0, {message("user", "task")}, "p"));
  for (int i = 0; i < 10; ++i) take_and_write(process_.append(ctx(1), "user", kLong));
  const ContextSnapshot compacted =
      take_and_write(process_.context(ctx(1), 1, {message("user", "summary")}));
  EXPECT_EQ(compacted.kind, Kind::kFull);
  EXPECT_THAT(compacted.messages,
              testing::ElementsAre(message("user", "task"), message("user", "summary")));
}

TEST_F(SnapshotChainTest, ContextsHaveChainsOfTheirOwn) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "one"));
  EXPECT_EQ(take_and_write(process_.context(ctx(2), 0, {message("user", kLong)}, "two")).kind,
            Kind::kFull);
  EXPECT_EQ(take_and_write(process_.append(ctx(1), "user", "a")).base, seq(1));
  EXPECT_EQ(take_and_write(process_.append(ctx(2), "user", "b")).base, seq(2));
}

TEST_F(SnapshotChainTest, ALineThatWasNotWrittenIsNoBase) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "p"));
  ASSERT_TRUE(take(process_.append(ctx(1), "user", "lost line")));
  std::string lost;
  chain_.append_line(lost, {.seq_num = seq(2)}, ctx(1));
  const ContextSnapshot next = take_and_write(process_.append(ctx(1), "user", "after"));
  EXPECT_EQ(next.base, seq(1));
  EXPECT_EQ(next.keep, 1u);
  EXPECT_EQ(next.messages.size(), 2u);
}

TEST_F(SnapshotChainTest, AfterARestartTheNextIsFull) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "p"));
  EXPECT_TRUE(chain_.unwritten().empty());
  chain_.restart();
  EXPECT_THAT(chain_.unwritten(), testing::ElementsAre(ctx(1)));
  EXPECT_EQ(write(ctx(1)).kind, Kind::kFull);
  EXPECT_TRUE(chain_.unwritten().empty());
}

TEST_F(SnapshotChainTest, InDoubtAChangeCountsOnlyWhenItFits) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "p"));
  chain_.doubt();
  EXPECT_TRUE(chain_.unwritten().empty()) << "nobody knows whether it is still so";
  const ContextSnapshot next = take_and_write(process_.append(ctx(1), "user", "more"));
  EXPECT_EQ(next.kind, Kind::kFull);
  EXPECT_EQ(next.messages.size(), 2u);
}

TEST_F(SnapshotChainTest, AChangeOnALostOneIsNotTaken) {
  take_and_write(process_.context(ctx(1), 0, {message("user", kLong)}, "p"));
  process_.append(ctx(1), "user", "this change is lost");
  chain_.doubt();
  EXPECT_FALSE(take(process_.append(ctx(1), "user", "on top of it")));
  EXPECT_FALSE(take(process_.context(ctx(1), 1, {message("user", "x")}))) << "still not known";
  const ContextSnapshot whole =
      take_and_write(process_.context(ctx(1), 0, {message("user", "all")}, "p2"));
  EXPECT_EQ(whole.messages.size(), 1u);
  EXPECT_TRUE(take(process_.append(ctx(1), "user", "and on")));
}

TEST_F(SnapshotChainTest, ALostReplacementOfTheSameLengthIsNoticed) {
  take_and_write(process_.context(ctx(1), 0, {message("user", "short")}, "p"));
  process_.context(ctx(1), 0, {message("user", "something much longer than that")});
  chain_.doubt();
  EXPECT_FALSE(take(process_.append(ctx(1), "user", "next")));
}

TEST_F(SnapshotChainTest, AContextFirstSeenInItsMiddleIsNotTaken) {
  EXPECT_FALSE(take(process_.context(ctx(1), 0, {}, "p")) &&
               chain_.take({.ctx_id = ctx(9), .keep = 3}));
  chain_.doubt();
  EXPECT_FALSE(chain_.take({.ctx_id = ctx(5), .keep = 0})) << "it may have lost its first change";
}

TEST_F(SnapshotChainTest, AContextMayHaveNoPromptAtAll) {
  const ContextSnapshot first = take_and_write(process_.context(ctx(1), 0, {message("user", "a")}));
  EXPECT_EQ(first.system_prompt, "");
  EXPECT_EQ(first.hash,
            context_hash(xxh3_128(""), std::vector{hash_of(message("user", "a"))}).hex());
}

TEST_F(SnapshotChainTest, AForgottenContextIsWrittenNoMore) {
  take_and_write(process_.context(ctx(1), 0, {}, "p"));
  chain_.forget(ctx(1));
  chain_.restart();
  EXPECT_TRUE(chain_.unwritten().empty());
}

}  // namespace
}  // namespace agdb

#include "debug/record/live_processes.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What a recording that begins with these contexts would begin with.
std::vector<std::string> told(const LiveProcess& process) {
  SnapshotChain chain = process.contexts();
  std::vector<std::string> texts;
  for (const CtxId ctx : chain.unwritten()) {
    std::string line;
    chain.append_line(line, {.seq_num = seq(1), .pid = pid(7)}, ctx);
    const Result<RecordedEvent> event = parse_line(line.substr(0, line.size() - 1));
    EXPECT_TRUE(event) << event.error().message;
    std::string text = std::to_string(raw(ctx)) + ":";
    for (const Message& each : std::get<ContextSnapshot>(event->payload).messages)
      text += " " + each.content;
    texts.push_back(text);
  }
  return texts;
}

TEST(LiveProcess, NothingHasHappenedAtFirst) {
  const LiveProcess process;
  EXPECT_EQ(process.began_late(), (BeganLate{.n = 1, .state = "created"}));
  EXPECT_THAT(told(process), IsEmpty());
}

TEST(LiveProcess, SaysWhatAsItsEventsTell) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  process.take(events.payload(StateChange{.from_state = "created", .to_state = "running"}));
  process.take(events.payload(LlmResponse{.request_tokens = 100, .response_tokens = 10}));
  process.take(events.payload(LlmResponse{.request_tokens = 200, .response_tokens = -1}));
  process.take(events.payload(StateChange{.from_state = "running", .to_state = "suspended"}));
  EXPECT_EQ(process.began_late(), (BeganLate{.n = 5,
                                             .timestamp = std::chrono::milliseconds(4),
                                             .state = "suspended",
                                             .tokens_used = 310,
                                             .steps = 2}));
}

TEST(LiveProcess, ItsTimeIsTheLatestEndOfAnEvent) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  Event slow = events.call("Read");
  std::get<Syscall>(slow.payload).duration = std::chrono::seconds(1);
  process.take(slow);
  process.take(events.call("Close"));
  EXPECT_EQ(process.began_late().timestamp, std::chrono::milliseconds(1001));
}

TEST(LiveProcess, CallsFromARingCountAsOthersDo) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  const Event ready = events.call("Open");
  process.take(EventView(ready));
  const RawSyscall call{.name = "Read", .duration = std::chrono::milliseconds(3)};
  process.take(EventView(pid(7), 2, std::chrono::milliseconds(2), call));
  EXPECT_EQ(process.began_late().n, 3u);
  EXPECT_EQ(process.began_late().timestamp, std::chrono::milliseconds(5));
}

TEST(LiveProcess, HostileCountsSaturate) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  LiveProcess process;
  ProcessEvents events(pid(7));
  process.take(events.payload(LlmResponse{.request_tokens = kMost, .response_tokens = kMost}));
  Event last = events.call("Open");
  last.n = std::numeric_limits<std::uint64_t>::max();
  last.timestamp = Nanoseconds::max();
  process.take(last);
  EXPECT_EQ(process.began_late().tokens_used, kMost);
  EXPECT_EQ(process.began_late().n, last.n);
  EXPECT_EQ(process.began_late().timestamp, Nanoseconds::max());
}

TEST(LiveProcess, KeepsEachContextAsItIs) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  process.take(events.context(ctx(1), 0, {message("user", "a"), message("user", "b")}, "p"));
  process.take(events.context(ctx(2), 0, {message("user", "x")}, "q"));
  process.take(events.append(ctx(1), "user", "c"));
  process.take(events.context(ctx(1), 1, {message("user", "d")}));
  EXPECT_THAT(told(process), ElementsAre("1: a d", "2: x"));
}

TEST(LiveProcess, MessagesAreSharedNotCopied) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  const Event event = events.context(ctx(1), 0, {message("user", "a")}, "p");
  process.take(event);
  EXPECT_EQ(std::get<ContextChange>(event.payload).messages.front().use_count(), 2);
}

TEST(LiveProcess, AContextThatIsGivenUpIsForgotten) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  process.take(events.context(ctx(1), 0, {message("user", "a")}, "p"));
  process.take(events.context(ctx(2), 0, {message("user", "b")}, "p"));
  process.take(events.call("CtxReclaim", Json::object({{"cid", 1}})));
  EXPECT_THAT(told(process), ElementsAre("2: b"));
}

TEST(LiveProcess, AfterALossAContextIsToldOnceItIsKnownAgain) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  process.take(events.context(ctx(1), 0, {message("user", "a")}, "p"));
  process.take(events.context(ctx(2), 0, {message("user", "x")}, "p"));
  events.lose(3);
  process.take(events.call("Open"));
  EXPECT_EQ(process.began_late().lost_events, 3u);
  EXPECT_THAT(told(process), IsEmpty());
  process.take(events.append(ctx(1), "user", "b"));
  EXPECT_THAT(told(process), ElementsAre("1: a b")) << "its size fits";
}

TEST(LiveProcess, AContextThatChangedInALossIsUnknownUntilAllOfItIsTold) {
  LiveProcess process;
  ProcessEvents events(pid(7));
  process.take(events.context(ctx(1), 0, {message("user", "a")}, "p"));
  events.append(ctx(1), "user", "never seen");
  process.take(events.append(ctx(1), "user", "c"));
  EXPECT_THAT(told(process), IsEmpty());
  process.take(events.context(ctx(1), 0, {message("user", "whole")}, "p"));
  EXPECT_THAT(told(process), ElementsAre("1: whole"));
}

// Pids.

TEST(PidSet, HoldsWhatWasInserted) {
  PidSet set;
  EXPECT_FALSE(set.contains(pid(0)));
  for (const std::uint64_t number : {5, 7, 6, 6, 1}) set.insert(pid(number));
  for (const std::uint64_t number : {1, 5, 6, 7}) EXPECT_TRUE(set.contains(pid(number)));
  for (const std::uint64_t number : {0, 2, 4, 8}) EXPECT_FALSE(set.contains(pid(number)));
  EXPECT_EQ(set.stretches(), 2u);
}

TEST(PidSet, ReachesToTheEndsOfItsNumbers) {
  PidSet set;
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t number : {kMost, kMost - 1, std::uint64_t{0}}) set.insert(pid(number));
  EXPECT_TRUE(set.contains(pid(kMost)));
  EXPECT_TRUE(set.contains(pid(0)));
  EXPECT_FALSE(set.contains(pid(1)));
  EXPECT_EQ(set.stretches(), 2u);
}

TEST(PidSet, AnyOrderGivesOneStretch) {
  std::vector<std::uint64_t> numbers(500);
  std::iota(numbers.begin(), numbers.end(), 10);
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(3));
  PidSet set;
  for (const std::uint64_t number : numbers) set.insert(pid(number));
  EXPECT_EQ(set.stretches(), 1u);
}

// The table.

ProcessStart child_of(std::uint64_t parent) {
  ProcessStart start;
  start.parent = pid(parent);
  return start;
}

TEST(LiveProcesses, AProcessIsThereFromBirthToDeath) {
  LiveProcesses processes;
  EXPECT_EQ(processes.find(pid(7)), nullptr);
  processes.born(pid(7), child_of(0));
  EXPECT_NE(processes.find(pid(7)), nullptr);
  EXPECT_FALSE(processes.has_ended(pid(7)));
  processes.ended(pid(7));
  processes.ended(pid(8));  // of which nobody heard
  EXPECT_EQ(processes.find(pid(7)), nullptr);
  EXPECT_TRUE(processes.has_ended(pid(7)));
  EXPECT_FALSE(processes.has_ended(pid(8)));
  EXPECT_EQ(processes.size(), 0u);
}

TEST(LiveProcesses, DescendantsComeParentsFirst) {
  LiveProcesses processes;
  processes.born(pid(1), child_of(0));
  processes.born(pid(2), child_of(1));
  processes.born(pid(3), child_of(2));
  processes.born(pid(4), child_of(1));
  processes.born(pid(5), child_of(0));
  processes.born(pid(6), child_of(6));
  EXPECT_THAT(processes.descendants(pid(1)), ElementsAre(pid(2), pid(4), pid(3)));
  EXPECT_THAT(processes.descendants(pid(3)), IsEmpty());
  EXPECT_THAT(processes.descendants(pid(6)), IsEmpty());
  EXPECT_THAT(processes.descendants(pid(9)), IsEmpty());
}

TEST(LiveProcesses, WhoseParentHasEndedStillDescendsFromThoseAbove) {
  LiveProcesses processes;
  for (std::uint64_t number = 1; number <= 5; ++number)
    processes.born(pid(number), child_of(number - 1));
  processes.ended(pid(3));
  processes.ended(pid(2));
  EXPECT_THAT(processes.descendants(pid(1)), ElementsAre(pid(4), pid(5)));
  EXPECT_EQ(processes.find(pid(4))->start.parent, pid(3)) << "who spawned it stays as it was";
  processes.ended(pid(1));
  processes.ended(pid(4));
  EXPECT_THAT(processes.descendants(pid(5)), IsEmpty());
}

TEST(LiveProcesses, TheSameScriptIsKeptOnce) {
  LiveProcesses processes;
  const auto born = [&](std::uint64_t number, const std::string& script) {
    ProcessStart start;
    start.script = std::make_shared<const std::string>(script);
    return processes.born(pid(number), start).start.script;
  };
  const auto first = born(1, "{}");
  EXPECT_EQ(born(2, "{}"), first);
  EXPECT_NE(born(3, "{ }"), first);
  processes.ended(pid(1));
  EXPECT_EQ(born(4, "{}"), first);
  processes.ended(pid(2));
  processes.ended(pid(4));
  EXPECT_EQ(first.use_count(), 1) << "nobody executes it any more";
  EXPECT_EQ(*born(5, "{}"), "{}");
}

}  // namespace
}  // namespace agdb

#include "debug/strace/event_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Event event(int pid, Nanoseconds at, Event::Payload payload) {
  return {static_cast<Pid>(pid), 5, at, std::move(payload)};
}

ContextChange change(std::uint64_t keep, std::size_t added) {
  ContextChange result;
  result.ctx_id = CtxId{1};
  result.keep = keep;
  for (std::size_t i = 0; i < added; ++i)
    result.messages.push_back(std::make_shared<Message>(Message{"user", "hi"}));
  return result;
}

ProcessStart started_at(std::string_view wall) {
  ProcessStart start;
  start.wall_start = *parse_wall_time(wall);
  return start;
}

TEST(EventLinesTest, EveryPayloadHasALine) {
  EventLines lines({});
  for (const Event::Payload& payload :
       {Event::Payload(Syscall{"T", {}, {}, {}}), Event::Payload(change(0, 1)),
        Event::Payload(LlmResponse{"m", 1, 1}), Event::Payload(StateChange{"created", "running"}),
        Event::Payload(Alert{"budget", "warning"}), Event::Payload(Gap{1, 1}),
        Event::Payload(ProcessStart{}), Event::Payload(ProcessEnd{"completed"})})
    EXPECT_THAT(lines.line(event(1, 1s, payload)), testing::StartsWith("[  1.000s] "));
}

TEST(EventLinesTest, KnowsHowManyMessagesWent) {
  EventLines lines({});
  EXPECT_THAT(lines.line(event(1, 0s, change(0, 5))), HasSubstr("messages=5 (+5)"));
  EXPECT_THAT(lines.line(event(1, 0s, change(1, 2))), HasSubstr("messages=3 (-4 +2)"));
}

TEST(EventLinesTest, RemembersWhatIsNotShown) {
  EventLines lines({});
  lines.skip(event(1, 0s, change(0, 5)));
  EXPECT_THAT(lines.line(event(1, 0s, change(0, 1))), HasSubstr("messages=1 (-5 +1)"));
}

TEST(EventLinesTest, ContextsOfProcessesAreApart) {
  EventLines lines({});
  lines.skip(event(1, 0s, change(0, 5)));
  EXPECT_THAT(lines.line(event(2, 0s, change(0, 1))), HasSubstr("messages=1 (+1)"));
}

TEST(EventLinesTest, ForgetsAProcessThatEnded) {
  EventLines lines({});
  lines.skip(event(1, 0s, change(0, 5)));
  lines.skip(event(1, 0s, ProcessEnd{"completed"}));
  EXPECT_THAT(lines.line(event(1, 0s, change(0, 1))), HasSubstr("messages=1 (+1)"));
}

TEST(EventLinesTest, WallClockIsTheProcesss) {
  StraceOptions options;
  options.time = TimeStyle::kWallClock;
  EventLines lines(options);
  lines.skip(event(1, 0s, started_at("2026-03-08T10:00:00Z")));
  EXPECT_THAT(lines.line(event(1, 90s, Syscall{"T", {}, {}, {}})), HasSubstr("[10:01:30] T"));
}

TEST(EventLinesTest, TimeSinceThePreviousLineGoesAcrossProcesses) {
  StraceOptions options;
  options.time = TimeStyle::kSincePrevious;
  EventLines lines(options);
  lines.skip(event(1, 0s, started_at("2026-03-08T10:00:00Z")));
  lines.skip(event(2, 0s, started_at("2026-03-08T10:00:10Z")));
  EXPECT_THAT(lines.line(event(1, 11s, Syscall{"T", {}, {}, {}})), HasSubstr("[ +0.000s] T"));
  EXPECT_THAT(lines.line(event(2, 2s, Syscall{"T", {}, {}, {}})), HasSubstr("[ +1.000s] T"));
  EXPECT_THAT(lines.line(event(1, 9s, Syscall{"T", {}, {}, {}})), HasSubstr("[ -3.000s] T"));
}

TEST(EventLinesTest, SaysWhatTheViewItselfLost) {
  const EventLines lines({});
  EXPECT_EQ(lines.lost_line(3, {Pid{1}, 1s}),
            "[  1.000s] *** 3 events lost: this view was too slow for them ***");
}

}  // namespace
}  // namespace agdb

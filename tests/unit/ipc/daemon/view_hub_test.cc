#include "ipc/daemon/view_hub.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "debug/strace/event_from_json.h"
#include "runtime/events/emitter.h"

namespace agdb {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

Filter filter_of(const std::string& expression) {
  return *Filter::parse(expression);
}

// A hub fed by hand, as the dispatcher would, and what a view of it tells: "Open#2" for a call,
// "alert#3" for another event, "-3" for three that are lost, "x7 why" for an exit.
class ViewHubTest : public ::testing::Test {
 protected:
  static std::string told(const ViewItem& item) {
    if (item.kind == ViewItem::Kind::kLost) return "-" + std::to_string(item.lost);
    if (item.kind == ViewItem::Kind::kExit)
      return "x" + std::to_string(raw(item.pid)) + " " + item.reason + (item.last ? " last" : "");
    const Event event = *event_from_json(*parse_json(*item.event));
    EXPECT_EQ(event.pid, item.pid);
    if (std::holds_alternative<ProcessStart>(event.payload))
      return "birth of " + std::to_string(raw(event.pid));
    const auto* call = std::get_if<Syscall>(&event.payload);
    return (call != nullptr ? call->name : std::string(type_name(event.payload))) + "#" +
           std::to_string(event.n);
  }
  std::vector<std::string> take(ViewId id, std::size_t max_items = kAll) {
    std::vector<std::string> all;
    for (const ViewItem& item : hub.take(id, max_items, kAll)) all.push_back(told(item));
    return all;
  }

  void born(std::uint64_t pid, std::uint64_t parent = 0) {
    hub.on_event({Pid{pid}, 0, 0ns,
                  ProcessStart{.intent = "intent " + std::to_string(pid),
                               .parent = Pid{parent},
                               .wall_start = WallTime(1000s)}});
  }
  void dies(std::uint64_t pid, std::string reason = "completed") {
    hub.on_event({Pid{pid}, 0, 5ms, ProcessEnd{std::move(reason), numbers[pid]}});
  }
  void call(std::uint64_t pid, std::string name, Json args = {}, Json result = {}) {
    hub.on_event(
        {Pid{pid}, ++numbers[pid], 2ms,
         Syscall{.name = std::move(name), .args = std::move(args), .result = std::move(result)}});
  }
  void alert(std::uint64_t pid, std::string level) {
    hub.on_event(
        {Pid{pid}, ++numbers[pid], 1s, Alert{.kind = "budget", .level = std::move(level)}});
  }
  void calls(std::uint64_t pid, std::initializer_list<const char*> names) {
    for (const char* name : names) call(pid, name);
  }

  ViewId attach(ViewOptions options) {
    options.wake = [this] { ++wakes; };
    return hub.attach(std::move(options));
  }
  ViewId attach(std::uint64_t pid, std::size_t last = 0, Filter filter = {}) {
    return attach({.pids = {Pid{pid}}, .filter = std::move(filter), .last = last});
  }

  std::map<std::uint64_t, std::uint64_t> numbers;
  int wakes = 0;
  ViewHub hub{{.queue_events = 10, .history_events = 5, .ended_processes = 2, .alerts = 3}};
};

TEST_F(ViewHubTest, NothingHasHappened) {
  const ViewId view = attach({.all = true, .last = 10});
  hub.on_idle();
  EXPECT_EQ(wakes, 0);
  EXPECT_THAT(take(view), IsEmpty());
}

TEST_F(ViewHubTest, AnUnknownProcessHasEnded) {
  born(1);
  EXPECT_THAT(take(attach(2)), ElementsAre("x2  last"));
  const ViewId view = attach({.pids = {Pid{1}, Pid{2}}});
  dies(1);
  EXPECT_THAT(take(view), ElementsAre("x2 ", "x1 completed last"));
}

TEST_F(ViewHubTest, ShowsWhatComesFromItsProcesses) {
  born(1);
  born(2);
  born(3);
  call(1, "Before");
  const ViewId view = attach({.pids = {Pid{2}, Pid{1}}});
  call(1, "Open");
  call(2, "Read");
  call(3, "Write");
  call(1, "Close");
  EXPECT_THAT(take(view), ElementsAre("Open#2", "Read#1", "Close#3"));
  EXPECT_THAT(take(view), IsEmpty());
}

TEST_F(ViewHubTest, TheNewestComeFirst) {
  born(1);
  calls(1, {"A", "B", "C"});
  const ViewId view = attach(1, 2);
  call(1, "D");
  EXPECT_THAT(take(view), ElementsAre("B#2", "C#3", "D#4"));
  EXPECT_THAT(take(attach(1, 100)), ElementsAre("A#1", "B#2", "C#3", "D#4"));
  calls(1, {"E", "F"});
  EXPECT_THAT(take(attach(1, 100)), ElementsAre("B#2", "C#3", "D#4", "E#5", "F#6"));
}

TEST_F(ViewHubTest, TheNewestOfSeveralInTheOrderInWhichTheyCame) {
  born(1);
  born(2);
  call(1, "A");
  call(2, "B");
  call(1, "C");
  call(2, "D");
  EXPECT_THAT(take(attach({.pids = {Pid{1}, Pid{2}}, .last = 3})),
              ElementsAre("B#1", "C#2", "D#2"));
  EXPECT_THAT(take(attach({.all = true, .last = 3})),
              ElementsAre("birth of 1", "birth of 2", "B#1", "C#2", "D#2"));
}

TEST_F(ViewHubTest, TheNewestAreThoseThatTheFilterWants) {
  born(1);
  calls(1, {"Open", "Read", "Open", "Read"});
  const ViewId view = attach(1, 1, filter_of("trace=Open"));
  EXPECT_THAT(take(view), ElementsAre("Open#3"));
  EXPECT_THAT(take(attach({.all = true, .filter = filter_of("trace=Open"), .last = 9})),
              ElementsAre("birth of 1", "Open#1", "Open#3"));
}

TEST_F(ViewHubTest, ALongHistoryLeavesRoomForWhatComes) {
  ViewHub small({.queue_events = 4});
  for (std::uint64_t n = 1; n <= 10; ++n) small.on_event({Pid{1}, n, 0ns, Syscall{.name = "A"}});
  const ViewId view = small.attach({.pids = {Pid{1}}, .last = 10, .wake = [] {}});
  small.on_event({Pid{1}, 11, 0ns, Syscall{.name = "B"}});
  const std::vector<ViewItem> items = small.take(view, kAll, kAll);
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(told(items[0]), "A#9");
  EXPECT_EQ(told(items[2]), "B#11");
}

TEST_F(ViewHubTest, GoesOnBehindTheEventWhereAnotherViewEnded) {
  born(1);
  calls(1, {"A", "B"});
  const std::vector<ViewItem> seen = hub.take(attach(1, 10), 2, kAll);
  ASSERT_EQ(seen.size(), 2u);
  calls(1, {"C", "D"});
  const ViewId view = attach({.pids = {Pid{1}}, .after = seen.back().arrival});
  call(1, "E");
  EXPECT_THAT(take(view), ElementsAre("C#3", "D#4", "E#5"));
  EXPECT_THAT(take(attach({.pids = {Pid{1}}, .after = 5})), IsEmpty());
  EXPECT_THAT(take(attach({.pids = {Pid{1}}, .after = 1'000'000})), IsEmpty());
  EXPECT_THAT(take(attach({.pids = {Pid{1}}, .filter = filter_of("trace=D"), .after = 1})),
              ElementsAre("D#4"));
}

TEST_F(ViewHubTest, WhatIsNoLongerThereIsToldAsLostWhenAViewGoesOn) {
  born(1);
  born(2);
  calls(1, {"A", "B", "C", "D", "E", "F", "G"});
  call(2, "X");
  EXPECT_THAT(take(attach({.pids = {Pid{1}}, .after = 1})),
              ElementsAre("-1", "C#3", "D#4", "E#5", "F#6", "G#7"));
  EXPECT_THAT(take(attach({.pids = {Pid{1}}, .after = 2})),
              ElementsAre("C#3", "D#4", "E#5", "F#6", "G#7"));
  EXPECT_THAT(take(attach({.pids = {Pid{2}}, .after = 0})), ElementsAre("X#1"));
  // Half of the queue is for what has been; the rest of it is lost as well.
  EXPECT_THAT(take(attach({.all = true, .after = 1})),
              ElementsAre("-2", "D#4", "E#5", "F#6", "G#7", "X#1"));
}

TEST_F(ViewHubTest, BirthsAndExitsThatWereToldAreNotToldAgain) {
  born(1);
  call(1, "A");
  born(2, 1);
  call(2, "B");
  EXPECT_THAT(take(attach({.all = true, .after = 2})), IsEmpty());
  EXPECT_THAT(take(attach({.all = true, .after = 1})), ElementsAre("birth of 2", "B#1"));
  dies(2);
  EXPECT_THAT(take(attach({.all = true, .after = 1})), ElementsAre("B#1", "x2 completed"));
  EXPECT_THAT(take(attach({.pids = {Pid{1}}, .follow = true, .after = 1})),
              ElementsAre("B#1", "x2 completed"));
  call(1, "C");
  EXPECT_THAT(take(attach({.all = true, .after = 3})), IsEmpty());
}

TEST_F(ViewHubTest, FiltersKnowThePathsOfDescriptors) {
  born(1);
  const Json fd = Json::object({{"fd", 3}});
  call(1, "Open", Json::object({{"path", "/dev/llm/m"}}), "FD(3)");
  call(1, "Write", fd);
  const ViewId view = attach(1, 10, filter_of("trace=%llm"));
  call(1, "Read", fd);
  call(1, "Mount");
  call(1, "Close", fd);
  call(1, "Read", fd);
  EXPECT_THAT(take(view), ElementsAre("Open#1", "Write#2", "Read#3", "Close#5"));
  // What has been remembers its path, also when the descriptor is closed by now.
  EXPECT_THAT(take(attach(1, 10, filter_of("trace=%llm"))),
              ElementsAre("Write#2", "Read#3", "Close#5"));
}

TEST_F(ViewHubTest, ChildrenAreFollowedFromBirth) {
  born(1);
  const ViewId view = attach({.pids = {Pid{1}}, .follow = true});
  born(2, 1);
  call(2, "A");
  born(3, 2);
  call(3, "B");
  born(4);
  call(4, "C");
  EXPECT_THAT(take(view), ElementsAre("birth of 2", "A#1", "birth of 3", "B#1"));
}

TEST_F(ViewHubTest, WithoutFollowChildrenAreNotSeen) {
  born(1);
  const ViewId view = attach(1);
  born(2, 1);
  call(2, "A");
  EXPECT_THAT(take(view), IsEmpty());
}

TEST_F(ViewHubTest, ABirthIsToldWhateverTheFilterSays) {
  born(1);
  const ViewId view = attach({.pids = {Pid{1}}, .follow = true, .filter = filter_of("trace=Open")});
  born(2, 1);
  calls(2, {"Read", "Open"});
  EXPECT_THAT(take(view), ElementsAre("birth of 2", "Open#2"));
}

TEST_F(ViewHubTest, AViewOfAllSeesThoseToCome) {
  born(1);
  dies(1);
  born(2);
  const ViewId view = attach({.all = true});
  born(3);
  call(3, "A");
  dies(2);
  dies(3);
  EXPECT_THAT(take(view),
              ElementsAre("birth of 2", "birth of 3", "A#1", "x2 completed", "x3 completed"));
}

TEST_F(ViewHubTest, ChildrenThatLiveAreFollowedToo) {
  born(1);
  born(2, 1);
  born(3, 2);
  born(4);
  call(3, "A");
  const ViewId view = attach({.pids = {Pid{1}}, .follow = true, .last = 9});
  call(3, "B");
  call(4, "C");
  born(5, 3);
  EXPECT_THAT(take(view), ElementsAre("birth of 2", "birth of 3", "A#1", "B#2", "birth of 5"));
}

TEST_F(ViewHubTest, ChildrenOfAnEndedProcessAreFollowed) {
  born(1);
  born(2, 1);
  dies(1);
  const ViewId view = attach({.pids = {Pid{1}}, .follow = true});
  call(2, "A");
  dies(2);
  EXPECT_THAT(take(view), ElementsAre("birth of 2", "x1 completed", "A#1", "x2 completed last"));
}

TEST_F(ViewHubTest, TheEndOfTheLastProcessIsTheLastOfAll) {
  born(1);
  born(2);
  const ViewId view = attach({.pids = {Pid{1}, Pid{2}}});
  dies(1, "failed");
  EXPECT_THAT(take(view), ElementsAre("x1 failed"));
  call(2, "A");
  dies(2);
  EXPECT_THAT(take(view), ElementsAre("A#1", "x2 completed last"));
}

TEST_F(ViewHubTest, AFollowingViewLastsAsLongAsADescendant) {
  born(1);
  const ViewId view = attach({.pids = {Pid{1}}, .follow = true});
  born(2, 1);
  dies(1);
  born(3, 2);
  dies(2);
  born(4, 1);  // of a dead parent
  dies(3);
  EXPECT_THAT(take(view), ElementsAre("birth of 2", "x1 completed", "birth of 3", "x2 completed",
                                      "x3 completed last"));
}

TEST_F(ViewHubTest, AnEndedProcessTellsWhatIsKeptAndItsEnd) {
  born(1);
  calls(1, {"A", "B"});
  dies(1, "killed");
  EXPECT_THAT(take(attach(1, 1)), ElementsAre("B#2", "x1 killed last"));
  born(2);
  EXPECT_THAT(take(attach({.pids = {Pid{2}, Pid{1}}})), ElementsAre("x1 killed"));
}

TEST_F(ViewHubTest, OfSeveralEndedProcessesOneIsTheLast) {
  born(1);
  born(2);
  dies(1);
  dies(2);
  EXPECT_THAT(take(attach({.pids = {Pid{1}, Pid{2}}})),
              ElementsAre("x1 completed", "x2 completed last"));
}

TEST_F(ViewHubTest, EndedProcessesAreForgottenOneAfterTheOther) {
  for (std::uint64_t pid = 1; pid <= 3; ++pid) {
    born(pid);
    call(pid, "A");
    dies(pid);
  }
  EXPECT_THAT(take(attach(1, 9)), ElementsAre("x1  last"));
  EXPECT_THAT(take(attach(2, 9)), ElementsAre("A#1", "x2 completed last"));
}

TEST_F(ViewHubTest, AProcessBornAgainIsNotForgotten) {
  born(1);
  dies(1);
  dies(1);
  born(1);
  for (std::uint64_t pid = 2; pid <= 5; ++pid) {
    born(pid);
    dies(pid);
  }
  call(1, "A");
  EXPECT_THAT(take(attach(1, 9)), ElementsAre("A#1"));
}

TEST_F(ViewHubTest, EventsOfAProcessThatNobodyToldOfAreKept) {
  call(7, "A");
  EXPECT_THAT(take(attach(7, 9)), ElementsAre("A#1"));
}

TEST_F(ViewHubTest, TwoViewsBothSeeEverything) {
  born(1);
  const ViewId one = attach(1);
  const ViewId other = attach(1);
  calls(1, {"A", "B"});
  EXPECT_THAT(take(one), ElementsAre("A#1", "B#2"));
  EXPECT_THAT(take(other), ElementsAre("A#1", "B#2"));
}

TEST_F(ViewHubTest, ASlowViewLosesItsOwnWhereTheyAreMissing) {
  born(1);
  const ViewId slow = attach(1);
  const ViewId quick = attach(1);
  for (int i = 0; i < 12; ++i) {
    call(1, "A");
    EXPECT_EQ(take(quick).size(), 1u);
  }
  EXPECT_THAT(take(slow, 2), ElementsAre("A#1", "A#2"));
  call(1, "B");
  dies(1);
  EXPECT_THAT(take(slow), ElementsAre("A#3", "A#4", "A#5", "A#6", "A#7", "A#8", "A#9", "A#10", "-2",
                                      "B#13", "x1 completed last"));
  EXPECT_THAT(take(quick), ElementsAre("B#13", "x1 completed last"));
  const ViewHub::Tally tally = hub.detach(slow);
  EXPECT_EQ(tally.delivered, 11u);
  EXPECT_EQ(tally.lost, 2u);
  EXPECT_EQ(hub.detach(quick).lost, 0u);
}

TEST_F(ViewHubTest, DetachedViewsAreGone) {
  born(1);
  const ViewId view = attach(1);
  call(1, "A");
  call(1, "B");
  take(view, 1);
  EXPECT_EQ(hub.views(), 1u);
  EXPECT_EQ(hub.detach(view).delivered, 1u);
  EXPECT_EQ(hub.views(), 0u);
  call(1, "C");
  hub.on_idle();
  EXPECT_EQ(wakes, 0);
  EXPECT_THAT(take(view), IsEmpty());
  EXPECT_EQ(hub.detach(view).delivered, 0u);
}

TEST_F(ViewHubTest, WakesOnceUntilItIsEmptied) {
  born(1);
  const ViewId view = attach(1);
  hub.on_idle();
  EXPECT_EQ(wakes, 0);
  calls(1, {"A", "B"});
  EXPECT_EQ(wakes, 0) << "not before the batch is through";
  hub.on_idle();
  EXPECT_EQ(wakes, 1);
  call(1, "C");
  hub.on_idle();
  take(view, 2);
  call(1, "D");
  hub.on_idle();
  EXPECT_EQ(wakes, 1) << "it has not been emptied";
  take(view);
  hub.on_idle();
  EXPECT_EQ(wakes, 1) << "nothing has come";
  call(1, "E");
  hub.on_idle();
  EXPECT_EQ(wakes, 2);
}

TEST_F(ViewHubTest, WhatWasThereWakesToo) {
  born(1);
  call(1, "A");
  attach(1, 1);
  hub.on_idle();
  EXPECT_EQ(wakes, 1);
}

TEST_F(ViewHubTest, AnEndWakesAViewWhoseFilterWantsNothing) {
  born(1);
  attach(1, 0, filter_of("trace=none"));
  call(1, "A");
  hub.on_idle();
  EXPECT_EQ(wakes, 0);
  dies(1);
  hub.on_idle();
  EXPECT_EQ(wakes, 1);
}

class ViewHubAlertTest : public ViewHubTest {
 protected:
  static std::string told(const AlertItem& item) { return item.intent + " " + item.alert.level; }
  std::vector<std::string> newest(std::size_t last) {
    std::vector<std::string> all;
    const auto [id, items] = hub.follow_alerts(last, [](const AlertItem&) {});
    for (const AlertItem& item : items) all.push_back(told(item));
    hub.unfollow_alerts(id);
    return all;
  }
};

TEST_F(ViewHubAlertTest, ReachWhoeverFollowsThem) {
  born(1);
  std::vector<std::string> heard;
  const auto [id, before] =
      hub.follow_alerts(9, [&](const AlertItem& item) { heard.push_back(told(item)); });
  EXPECT_THAT(before, IsEmpty());
  alert(1, "warning");
  born(2);
  alert(2, "critical");
  EXPECT_THAT(newest(1), ElementsAre("intent 2 critical"));
  hub.unfollow_alerts(id);
  alert(1, "exceeded");
  EXPECT_THAT(heard, ElementsAre("intent 1 warning", "intent 2 critical"));
}

TEST_F(ViewHubAlertTest, TheNewestAreKept) {
  born(1);
  for (const char* level : {"a", "b", "c", "d"}) alert(1, level);
  dies(1);
  EXPECT_THAT(newest(100), ElementsAre("intent 1 b", "intent 1 c", "intent 1 d"));
  EXPECT_THAT(newest(0), IsEmpty());
}

TEST_F(ViewHubAlertTest, TellWhenTheyWere) {
  born(1);
  alert(1, "warning");
  EXPECT_EQ(hub.follow_alerts(1, [](const AlertItem&) {}).second.at(0).time, WallTime(1001s));
}

TEST_F(ViewHubAlertTest, AreEventsOfTheirProcessToo) {
  born(1);
  const ViewId view = attach(1);
  alert(1, "warning");
  EXPECT_THAT(take(view), ElementsAre("alert#1"));
}

TEST_F(ViewHubTest, HistoriesTogetherAreBounded) {
  ViewHub small({.history_bytes = 3000});
  for (std::uint64_t pid = 1; pid <= 2; ++pid)
    for (std::uint64_t n = 1; n <= 4; ++n)
      small.on_event({Pid{pid}, n, 0ns, Syscall{.name = std::string(500, 'x')}});
  EXPECT_GT(small.history_dropped(), 3u);
  const ViewId first = small.attach({.pids = {Pid{1}}, .last = 9, .wake = [] {}});
  EXPECT_THAT(small.take(first, kAll, kAll), IsEmpty());
  const ViewId second = small.attach({.pids = {Pid{2}}, .last = 9, .wake = [] {}});
  EXPECT_EQ(small.take(second, kAll, kAll).size(), 8 - small.history_dropped());
}

// On a real bus: a thread that emits, the dispatcher, and this one, which attaches, takes and
// detaches while events flow.
class ViewHubOnBus : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kEvents = 20'000;

  ViewHubOnBus() {
    bus.add(hub);
    emitter.start({.intent = "flood"});
    bus.flush();
  }
  ~ViewHubOnBus() override {
    if (agent.joinable()) agent.join();
    bus.remove(hub);
  }

  // Emits kEvents calls and the end, from a thread of its own.
  void flood() {
    agent = std::thread([this] {
      for (std::uint64_t i = 0; i < kEvents; ++i) {
        while (producer.backlog() > EventBus::kRingBytes / 2) std::this_thread::yield();
        emitter.call("Write", emitter.begin(), returned(1), arg("fd", 4));
      }
      emitter.end("completed");
    });
  }
  // Takes whenever it is woken, until the end has come.
  class Reader {
   public:
    Reader(ViewHub& from, ViewOptions options) : hub_(from) {
      options.wake = [this] { wake(); };
      id_ = hub_.attach(std::move(options));
    }
    ~Reader() { hub_.detach(id_); }

    void read_to_the_end() {
      while (!ended) {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return woken_; });
        woken_ = false;
        lock.unlock();
        read();
      }
    }
    void read() {
      for (auto items = hub_.take(id_, 100, kAll); !items.empty();
           items = hub_.take(id_, 100, kAll))
        for (const ViewItem& item : items) note(item);
    }

    std::vector<std::uint64_t> numbers;  // of the events that came
    std::uint64_t lost = 0;
    bool ended = false;
    bool in_place = true;  // exactly the lost ones are missing, where they are told

   private:
    void wake() {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      ready_.notify_one();
    }
    void note(const ViewItem& item) {
      if (item.kind == ViewItem::Kind::kExit) {
        ended = item.last;
      } else if (item.kind == ViewItem::Kind::kLost) {
        lost += item.lost;
        missing_ += item.lost;
      } else if (const std::uint64_t n = event_from_json(*parse_json(*item.event))->n; n != 0) {
        if (!numbers.empty()) in_place = in_place && n == numbers.back() + 1 + missing_;
        missing_ = 0;
        numbers.push_back(n);
      }
    }

    ViewHub& hub_;
    std::mutex mutex_;
    std::condition_variable ready_;
    bool woken_ = false;
    std::uint64_t missing_ = 0;
    ViewId id_{};
  };

  RealClock clock;
  EventBus bus;
  ViewHub hub;
  EventBus::Producer producer = bus.make_producer();
  Emitter emitter{producer, clock, Pid{1}};
  std::thread agent;
};

TEST_F(ViewHubOnBus, EverythingIsSeenOrCountedWhileOthersComeAndGo) {
  Reader reader(hub, {.pids = {Pid{1}}});
  flood();
  for (int i = 0; i < 50; ++i) {
    Reader other(hub, {.pids = {Pid{1}}, .last = 20});
    other.read();
    EXPECT_TRUE(other.in_place);
  }
  reader.read_to_the_end();
  EXPECT_EQ(reader.numbers.size() + reader.lost, kEvents);
  EXPECT_TRUE(reader.in_place);
}

TEST_F(ViewHubOnBus, BetweenWhatWasAndWhatComesNothingIsMissing) {
  flood();
  for (int i = 0; i < 20; ++i) {
    Reader plain(hub, {.pids = {Pid{1}}, .last = 200});
    Reader filtered(hub, {.all = true, .filter = filter_of("trace=Write"), .last = 200});
    for (int turn = 0; turn < 20; ++turn) {
      plain.read();
      filtered.read();
    }
    EXPECT_TRUE(plain.in_place);
    EXPECT_TRUE(filtered.in_place);
  }
}

TEST_F(ViewHubOnBus, AStalledViewLosesOnlyItsOwn) {
  Reader stalled(hub, {.pids = {Pid{1}}});
  Reader reader(hub, {.pids = {Pid{1}}});
  flood();
  reader.read_to_the_end();
  stalled.read_to_the_end();
  EXPECT_EQ(stalled.numbers.size(), ViewLimits{}.queue_events);
  EXPECT_EQ(stalled.lost, kEvents - ViewLimits{}.queue_events);
  EXPECT_EQ(reader.numbers.size() + reader.lost, kEvents);
}

}  // namespace
}  // namespace agdb

#include "ipc/api/live_feeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace agdb {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// Put together here, so that no file holds what looks like a key.
std::string key() {
  return std::string("sk-ant-") + "api03-" + "a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4";
}

// A client that takes what comes, and waits until enough is there.
class Client {
  struct Bell {
    std::mutex mutex;
    std::condition_variable rings;
    bool rung = false;
  };

 public:
  Client() {
    // The stream may be woken when its client is no longer there.
    stream_->attach([bell = bell_] {
      const std::lock_guard lock(bell->mutex);
      bell->rung = true;
      bell->rings.notify_one();
    });
  }

  const std::shared_ptr<EventStream>& stream() const { return stream_; }

  // The next so many events: "id name data".
  std::vector<std::string> take(std::size_t events) {
    while (!ended_ && count() < events) wait();
    std::vector<std::string> taken;
    for (std::size_t i = 0; i < events && !text_.empty(); ++i) taken.push_back(next());
    return taken;
  }
  std::vector<std::string> rest() {
    while (!ended_) wait();
    return take(count());
  }

 private:
  std::size_t count() const {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text_.find("\n\n", at)) != std::string::npos; at += 2) ++found;
    return found;
  }

  void wait() {
    {
      std::unique_lock lock(bell_->mutex);
      bell_->rings.wait(lock, [this] { return bell_->rung; });
      bell_->rung = false;
    }
    ended_ = !stream_->take(text_);
  }

  std::string next() {
    const std::size_t end = text_.find("\n\n");
    std::string told;
    for (const char* const field : {"id: ", "event: ", "data: "}) {
      const std::size_t at = text_.find(field);
      if (at >= end) continue;
      const std::size_t from = at + std::string_view(field).size();
      told += (told.empty() ? "" : " ") + text_.substr(from, text_.find('\n', from) - from);
    }
    text_.erase(0, end + 2);
    return told;
  }

  const std::shared_ptr<EventStream> stream_ = std::make_shared<EventStream>();
  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::string text_;
  bool ended_ = false;
};

// A hub fed by hand, as the dispatcher would.
class LiveFeedsTest : public testing::Test {
 protected:
  void born(std::uint64_t pid) {
    hub_.on_event({Pid{pid}, 0, 0ns, ProcessStart{.intent = "a task", .wall_start = WallTime(1s)}});
    hub_.on_idle();
  }
  void calls(std::uint64_t pid, std::initializer_list<std::string> names) {
    for (const std::string& name : names)
      hub_.on_event({Pid{pid}, ++numbers_[pid], 2ms, Syscall{.name = name}});
    hub_.on_idle();
  }
  void dies(std::uint64_t pid, const std::string& reason = "completed") {
    hub_.on_event({Pid{pid}, 0, 5ms, ProcessEnd{reason, numbers_[pid]}});
    hub_.on_idle();
  }
  void add(const Client& client, ViewOptions options, bool raw = false) {
    feeds_.add(hub_, std::move(options), client.stream(), raw);
  }
  static ViewOptions of(std::uint64_t pid) { return {.pids = {Pid{pid}}}; }

  std::map<std::uint64_t, std::uint64_t> numbers_;
  ViewHub hub_{{.history_events = 5}};
  LiveFeeds feeds_{"e1", [](Pid pid) -> std::optional<std::int64_t> {
                     if (pid == Pid{1}) return 7;
                     return std::nullopt;
                   }};
};

TEST_F(LiveFeedsTest, IdsOfThisLife) {
  EXPECT_EQ(feeds_.arrival_of("e1-0"), 0U);
  EXPECT_EQ(feeds_.arrival_of("e1-5"), 5U);
  EXPECT_EQ(feeds_.arrival_of("e1-18446744073709551615"), 18446744073709551615U);
}

TEST_F(LiveFeedsTest, HostileIdsMeanNothing) {
  for (const char* const id :
       {"",       "-",     "e1",    "e1-",    "-5",     "5",
        "e2-5",   "e-5",   "e11-5", "E1-5",   "e1--5",  "e1-+5",
        "e1- 5",  "e1-5 ", "e1-5x", "e1-0x5", "e1-5-5", "e1-18446744073709551616",
        "e1-5\n", " e1-5"})
    EXPECT_FALSE(feeds_.arrival_of(id)) << id;
  EXPECT_FALSE(feeds_.arrival_of(std::string_view("e1-5\0", 5)));
  EXPECT_FALSE(feeds_.arrival_of("e1-" + std::string(100'000, '9')));
}

TEST_F(LiveFeedsTest, AProcessThatNobodyKnowsHasEnded) {
  Client client;
  add(client, of(3));
  EXPECT_THAT(client.rest(), ElementsAre(R"(exit {"pid":3,"exit_reason":"","last":true})"));
}

TEST_F(LiveFeedsTest, EventsHaveIdsAndTheLastExitEndsTheStream) {
  born(1);
  Client client;
  add(client, of(1));
  calls(1, {"Open", "Read"});
  dies(1);
  EXPECT_THAT(client.rest(),
              ElementsAre(AllOf(StartsWith("e1-1 event {"), HasSubstr("\"Open\"")),
                          AllOf(StartsWith("e1-2 event {"), HasSubstr("\"Read\"")),
                          R"(exit {"pid":1,"exit_code":7,"exit_reason":"completed","last":true})"));
}

TEST_F(LiveFeedsTest, AnExitWithoutACodeHasNone) {
  born(2);
  Client client;
  add(client, {.all = true});
  dies(2, "killed");
  EXPECT_THAT(client.take(2), ElementsAre(StartsWith("event {"),  // its birth has no id
                                          R"(exit {"pid":2,"exit_reason":"killed"})"));
}

TEST_F(LiveFeedsTest, GoesOnBehindAnId) {
  born(1);
  calls(1, {"A", "B", "C"});
  Client client;
  ViewOptions options = of(1);
  options.after = feeds_.arrival_of("e1-2");
  add(client, std::move(options));
  EXPECT_THAT(client.take(1), ElementsAre(StartsWith("e1-3 event ")));
  calls(1, {"D"});
  EXPECT_THAT(client.take(1), ElementsAre(StartsWith("e1-4 event ")));
}

TEST_F(LiveFeedsTest, WhatIsNoLongerThereIsToldAsLostWhereItIsMissing) {
  born(1);
  calls(1, {"A", "B", "C", "D", "E", "F", "G", "H"});
  Client client;
  ViewOptions options = of(1);
  options.after = 1;
  add(client, std::move(options));
  EXPECT_THAT(client.take(2), ElementsAre(R"(lost {"lost":2})", StartsWith("e1-4 event ")));
}

TEST_F(LiveFeedsTest, SecretsAreMaskedForThoseWhoDidNotAskForThemRaw) {
  born(1);
  Client masked;
  Client also_masked;
  Client raw;
  add(masked, of(1));
  add(also_masked, of(1));
  add(raw, of(1), true);
  calls(1, {key()});
  dies(1, "failed with " + key());
  for (Client* const client : {&masked, &also_masked})
    EXPECT_THAT(
        client->rest(),
        ElementsAre(AllOf(HasSubstr("[masked:anthropic_key]"), Not(HasSubstr(key()))),
                    AllOf(HasSubstr("failed with [masked:anthropic_key]"), Not(HasSubstr(key())))));
  EXPECT_THAT(raw.rest(), ElementsAre(HasSubstr(key()), HasSubstr(key())));
}

TEST_F(LiveFeedsTest, ManyClientsSeeTheSame) {
  born(1);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>());
    add(*clients.back(), of(1));
  }
  EXPECT_EQ(feeds_.feeds(), 100U);
  for (int i = 0; i < 50; ++i) calls(1, {"Open"});
  dies(1);
  const std::vector<std::string> first = clients.front()->rest();
  EXPECT_EQ(first.size(), 51U);
  for (const auto& client : clients)
    if (client != clients.front()) EXPECT_EQ(client->rest(), first);
}

TEST_F(LiveFeedsTest, AClientThatGoesTakesItsViewAlong) {
  born(1);
  Client stays;
  {
    Client goes;
    add(goes, of(1));
    add(stays, of(1));
    goes.stream()->leave();
  }
  while (hub_.views() > 1) std::this_thread::yield();
  EXPECT_EQ(feeds_.feeds(), 1U);
  calls(1, {"Open"});
  EXPECT_THAT(stays.take(1), ElementsAre(HasSubstr("Open")));
}

TEST_F(LiveFeedsTest, OneThatHadGoneBeforeIsLetGoOf) {
  born(1);
  Client client;
  client.stream()->leave();
  add(client, of(1));
  while (hub_.views() > 0) std::this_thread::yield();
  EXPECT_EQ(feeds_.feeds(), 0U);
}

TEST(LiveFeeds, ItsEndDetachesAllViews) {
  ViewHub hub;
  hub.on_event({Pid{1}, 0, 0ns, ProcessStart{.intent = "a task", .wall_start = WallTime(1s)}});
  const auto stream = std::make_shared<EventStream>();
  {
    LiveFeeds feeds("e1", [](Pid) { return std::nullopt; });
    for (int i = 0; i < 3; ++i) feeds.add(hub, {.all = true}, stream, false);
    EXPECT_EQ(hub.views(), 3U);
  }
  EXPECT_EQ(hub.views(), 0U);
  hub.on_event({Pid{1}, 1, 1ms, Syscall{.name = "Open"}});
  hub.on_idle();
}

}  // namespace
}  // namespace agdb

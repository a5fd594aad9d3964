#include "runtime/events/emitter.h"

#include <gmock/gmock.h>

#include <vector>

namespace agdb {
namespace {

class StoppedClock final : public Clock {
 public:
  Nanoseconds now() const override { return time; }
  WallTime wall() const override { return WallTime{}; }
  Nanoseconds time{1000};
};

class Keep final : public Subscriber {
 public:
  void on_event(const Event& event) override { events.push_back(event); }
  std::vector<Event> events;
};

class EmitterTest : public ::testing::Test {
 protected:
  EmitterTest() { bus.add(keep); }
  ~EmitterTest() override { bus.remove(keep); }

  const std::vector<Event>& emitted() {
    bus.flush();
    return keep.events;
  }

  EventBus bus;
  Keep keep;
  EventBus::Producer producer = bus.make_producer();
  StoppedClock clock;
  Emitter emitter{producer, clock, Pid{7}, Nanoseconds(1000)};
};

TEST_F(EmitterTest, ACallIsStampedWithItsBeginningAndKnowsItsDuration) {
  clock.time = Nanoseconds(1500);
  const Nanoseconds began = emitter.elapsed();
  clock.time = Nanoseconds(1900);
  const Field fields[] = {{"path", "/dev/null"}, {"flags", 2}};
  emitter.syscall("Open", began, fields, "FD(3)");
  const Event& event = emitted().at(0);
  EXPECT_EQ(event.pid, Pid{7});
  EXPECT_EQ(event.n, 1u);
  EXPECT_EQ(event.timestamp, Nanoseconds(500));
  const auto& call = std::get<Syscall>(event.payload);
  EXPECT_EQ(call.name, "Open");
  EXPECT_EQ(call.args, Json::object({{"flags", 2}, {"path", "/dev/null"}}));
  EXPECT_EQ(call.result, Json("FD(3)"));
  EXPECT_EQ(call.duration, Nanoseconds(400));
}

TEST_F(EmitterTest, ArgumentsKeepTheirTypesAndNest) {
  const Json ready = Json::object({{"k", "v"}});
  const Field inner[] = {{"deep", true}};
  const Field fields[] = {{"i", std::int64_t{-1}},
                          {"u", std::uint64_t{18446744073709551615u}},
                          {"d", 0.5},
                          {"text", std::string_view("x")},
                          {"nested", std::span<const Field>(inner)},
                          {"json", ready}};
  emitter.failed_syscall("T", Nanoseconds(0), fields, "no");
  const auto& call = std::get<Syscall>(emitted().at(0).payload);
  EXPECT_EQ(
      dump(call.args),
      R"({"d":0.5,"i":-1,"json":{"k":"v"},"nested":{"deep":true},"text":"x","u":18446744073709551615})");
  EXPECT_EQ(call.err, "no");
  EXPECT_TRUE(call.result.is_null());
}

TEST_F(EmitterTest, EveryKindOfEventIsNumberedButBirthAndEnd) {
  emitter.start({});
  emitter.state("created", "running", "");
  emitter.context({});
  emitter.response(Nanoseconds(0), {});
  emitter.alert({});
  emitter.end("completed");
  std::vector<std::uint64_t> numbers;
  for (const Event& event : emitted()) numbers.push_back(event.n);
  EXPECT_THAT(numbers, ::testing::ElementsAre(0, 1, 2, 3, 4, 0));
  EXPECT_EQ(std::get<ProcessEnd>(emitted().back().payload).last_n, 4u);
}

TEST(Emitter, NumbersGoOnWhileNobodyListens) {
  EventBus bus;
  EventBus::Producer producer = bus.make_producer();
  StoppedClock clock;
  Emitter emitter(producer, clock, Pid{7}, Nanoseconds(1000));
  emitter.syscall("Open", Nanoseconds(0), {}, nullptr);
  emitter.state("created", "running", "");
  Keep keep;
  bus.add(keep);
  emitter.state("running", "zombie", "");
  bus.flush();
  bus.remove(keep);
  EXPECT_EQ(keep.events.at(0).n, 3u);
}

}  // namespace
}  // namespace agdb

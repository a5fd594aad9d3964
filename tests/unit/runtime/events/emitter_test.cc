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
  Emitter emitter{producer, clock, Pid{7}};
};

TEST_F(EmitterTest, ACallIsStampedWithItsBeginningAndKnowsItsDuration) {
  clock.time = Nanoseconds(1500);
  const Ticks began = emitter.begin();
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
  emitter.failed_syscall("T", emitter.begin(), fields, "no");
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
  emitter.response(emitter.begin(), {});
  emitter.alert({});
  emitter.end("completed");
  std::vector<std::uint64_t> numbers;
  for (const Event& event : emitted()) numbers.push_back(event.n);
  EXPECT_THAT(numbers, ::testing::ElementsAre(0, 1, 2, 3, 4, 0));
  EXPECT_EQ(std::get<ProcessEnd>(emitted().back().payload).last_n, 4u);
}

TEST_F(EmitterTest, ACallWrittenOutCarriesWhatItIsGiven) {
  clock.time = Nanoseconds(1500);
  const Ticks began = emitter.begin();
  clock.time = Nanoseconds(1700);
  const std::string text = "data \xff";
  const Json ready = Json::object({{"list", Json::array().push_back(1).push_back(nullptr)}});
  emitter.call("Write", began, returned(17), arg("fd", 3), arg("size", std::uint64_t{1} << 63),
               arg("ratio", 0.25), arg("text", text), arg("literal", "x"), arg("on", true),
               arg("none", nullptr), arg("json", ready),
               arg("nested", object(arg("deep", object(arg("n", -1))), arg("empty", object()))));
  const Event& event = emitted().at(0);
  EXPECT_EQ(event.pid, Pid{7});
  EXPECT_EQ(event.n, 1u);
  EXPECT_EQ(event.timestamp, Nanoseconds(500));
  const auto& call = std::get<Syscall>(event.payload);
  EXPECT_EQ(call.name, "Write");
  EXPECT_EQ(call.duration, Nanoseconds(200));
  EXPECT_EQ(call.result, Json(17));
  EXPECT_EQ(call.err, "");
  const Json expected = Json::object(
      {{"fd", 3},
       {"size", std::uint64_t{1} << 63},
       {"ratio", 0.25},
       {"text", text},
       {"literal", "x"},
       {"on", true},
       {"none", nullptr},
       {"json", ready},
       {"nested", Json::object({{"deep", Json::object({{"n", -1}})}, {"empty", Json::object()}})}});
  EXPECT_EQ(call.args, expected);
}

TEST_F(EmitterTest, HowACallEnded) {
  emitter.call("A", emitter.begin(), returned());
  emitter.call("B", emitter.begin(), failed("no such file"), arg("path", "/x"));
  emitter.call("C", emitter.begin(), returned(object(arg("bytes", 3), arg("data", "abc"))));
  emitter.call("D", emitter.begin(), returned("text"), arg("k", "v"));
  std::vector<Syscall> calls;
  for (const Event& event : emitted()) calls.push_back(std::get<Syscall>(event.payload));
  EXPECT_TRUE(calls.at(0).args.is_null());
  EXPECT_TRUE(calls.at(0).result.is_null());
  EXPECT_EQ(calls.at(1).err, "no such file");
  EXPECT_EQ(calls.at(1).args, Json::object({{"path", "/x"}}));
  EXPECT_EQ(calls.at(2).result, Json::object({{"bytes", 3}, {"data", "abc"}}));
  EXPECT_EQ(calls.at(3).result, Json("text"));
  EXPECT_EQ(calls.at(3).err, "");
}

TEST_F(EmitterTest, ALongCallIsAsWholeAsAShortOne) {
  const std::string text(100'000, 'x');
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back("key" + std::to_string(i));
  std::vector<Field> many;
  for (const std::string& name : names) many.emplace_back(Key(std::string_view(name)), 1);
  clock.time = Nanoseconds(1300);
  const Ticks began = emitter.begin();
  clock.time = Nanoseconds(1400);
  emitter.call("Write", began, returned(object(arg("echo", text))), arg("data", text));
  emitter.failed_syscall("Many", began, many, text);
  const auto& write = std::get<Syscall>(emitted().at(0).payload);
  EXPECT_EQ(write.args, Json::object({{"data", text}}));
  EXPECT_EQ(write.result, Json::object({{"echo", text}}));
  EXPECT_EQ(write.duration, Nanoseconds(100));
  EXPECT_EQ(keep.events.at(0).timestamp, Nanoseconds(300));
  const auto& failed_call = std::get<Syscall>(keep.events.at(1).payload);
  EXPECT_EQ(failed_call.args.size(), names.size());
  EXPECT_EQ(failed_call.err, text);
}

TEST_F(EmitterTest, OtherEventsBeginWhenTheySay) {
  clock.time = Nanoseconds(1500);
  const Ticks began = emitter.begin();
  clock.time = Nanoseconds(1900);
  emitter.response(began, {.model = "m"});
  emitter.state("created", "running", "");
  EXPECT_EQ(emitted().at(0).timestamp, Nanoseconds(500));
  EXPECT_EQ(keep.events.at(1).timestamp, Nanoseconds(900));
}

// The machine's clock, read as steps of the processor's counter.
TEST(EmitterOnRealTime, TimesComeOutInNanoseconds) {
  EventBus bus;
  Keep keep;
  bus.add(keep);
  EventBus::Producer producer = bus.make_producer();
  const RealClock clock;
  Emitter emitter(producer, clock, Pid{1});
  const Nanoseconds before = emitter.elapsed();
  const Ticks began = emitter.begin();
  const Nanoseconds behind = emitter.elapsed();
  while (emitter.elapsed() - behind < std::chrono::milliseconds(20)) continue;
  emitter.call("Spin", began, returned());
  const std::string text(100'000, 'x');
  emitter.call("Spin", began, returned(), arg("long", text));
  emitter.response(began, {});
  const Nanoseconds after = emitter.elapsed();
  bus.flush();
  bus.remove(keep);
  // What the comparison of the two clocks may be off.
  const Nanoseconds noise = std::chrono::microseconds(100);
  for (const Event& event : keep.events) {
    EXPECT_GT(event.timestamp, before - noise);
    EXPECT_LT(event.timestamp, behind + noise);
    if (const auto* call = std::get_if<Syscall>(&event.payload)) {
      EXPECT_GT(call->duration, std::chrono::milliseconds(20) - noise);
      EXPECT_LT(event.timestamp + call->duration, after + noise);
    }
  }
}

TEST(Emitter, ACallThatBeganUnheardBeginsWhereItEnds) {
  EventBus bus;
  EventBus::Producer producer = bus.make_producer();
  StoppedClock clock;
  Emitter emitter(producer, clock, Pid{7});
  const Ticks began = emitter.begin();
  Keep keep;
  bus.add(keep);
  clock.time = Nanoseconds(1800);
  emitter.call("Open", began, returned());
  bus.flush();
  bus.remove(keep);
  EXPECT_EQ(keep.events.at(0).timestamp, Nanoseconds(800));
  EXPECT_EQ(std::get<Syscall>(keep.events.at(0).payload).duration, Nanoseconds(0));
}

TEST(Emitter, NumbersGoOnWhileNobodyListens) {
  EventBus bus;
  EventBus::Producer producer = bus.make_producer();
  StoppedClock clock;
  Emitter emitter(producer, clock, Pid{7});
  emitter.syscall("Open", emitter.begin(), {}, nullptr);
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

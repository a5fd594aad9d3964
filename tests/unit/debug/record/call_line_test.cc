#include "debug/record/call_line.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

#include "runtime/events/emitter.h"

namespace agdb {
namespace {

class StillClock final : public Clock {
 public:
  Nanoseconds now() const override { return Nanoseconds(0); }
  WallTime wall() const override { return WallTime{}; }
};

// Compares the line made in place with that of the call as a value, for every call it sees.
class BothWays final : public Subscriber {
 public:
  void on_event(const Event&) override {}
  void on_view(const EventView& view) override {
    if (view.raw_syscall() == nullptr) return;
    const LineHead head{static_cast<SeqNum>(7), view.n(), view.timestamp(), view.pid()};
    std::string in_place = "before\n";
    append_line(in_place, head, *view.raw_syscall());
    std::string as_value = "before\n";
    append_line(as_value, head, std::get<Syscall>(view.event().payload));
    EXPECT_EQ(in_place, as_value);
    last = in_place.substr(7);
    ++compared;
  }
  std::string last;
  int compared = 0;
};

class CallLineTest : public ::testing::Test {
 protected:
  CallLineTest() { bus.add(both); }
  ~CallLineTest() override { bus.remove(both); }

  // The line of the newest call; all so far were the same both ways.
  const std::string& line() {
    bus.flush();
    return both.last;
  }
  template <typename Outcome, typename... Values>
  void call(Key name, const Outcome& outcome, const Arg<Values>&... args) {
    emitter.call(name, emitter.begin(), outcome, args...);
  }

  EventBus bus;
  BothWays both;
  EventBus::Producer producer = bus.make_producer();
  StillClock clock;
  Emitter emitter{producer, clock, Pid{3}};
};

TEST_F(CallLineTest, TheShortestCall) {
  call("Close", returned());
  EXPECT_EQ(line(), R"({"seq_num":7,"timestamp":0,"pid":3,"type":"syscall","n":1,)"
                    R"("syscall":{"syscall":"Close","duration":0}})"
                    "\n");
}

TEST_F(CallLineTest, KeysAreSortedAtEveryLevel) {
  call("Open", returned(object(arg("b", 1), arg("a", 2))), arg("path", "/x"), arg("flags", 2),
       arg("list", Json::array().push_back(Json::object({{"z", 1}, {"y", nullptr}}))));
  EXPECT_THAT(line(),
              ::testing::HasSubstr(R"("args":{"flags":2,"list":[{"y":null,"z":1}],"path":"/x"},)"
                                   R"("result":{"a":2,"b":1})"));
}

TEST_F(CallLineTest, OfEqualKeysTheLastCounts) {
  call("Open", returned(), arg("a", 1), arg("a", 2));
  EXPECT_THAT(line(), ::testing::HasSubstr(R"("args":{"a":2})"));
}

TEST_F(CallLineTest, NumbersInEveryForm) {
  call("N", returned(false), arg("a", std::int64_t{-9223372036854775807} - 1),
       arg("b", std::uint64_t{18446744073709551615u}), arg("c", 0.1), arg("d", -0.0),
       arg("e", std::numeric_limits<double>::infinity()), arg("f", 1e300), arg("g", 1.0));
  EXPECT_THAT(line(), ::testing::HasSubstr(R"("c":0.1,"d":-0.0,"e":null,"f":1e+300)"));
}

TEST_F(CallLineTest, TextThatIsNotUtf8KeepsItsBytes) {
  const std::string bad = "bad \xff\xfe";
  call("Write", returned(bad), arg("data", bad));
  EXPECT_THAT(line(), ::testing::HasSubstr(R"("data_base64":"YmFkIP/+")"));
  call("Write", failed(bad), arg("nested", object(arg("data", bad))));
  line();
  EXPECT_EQ(both.compared, 2);
}

TEST_F(CallLineTest, ManyMembersAndDeepNesting) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("k" + std::to_string(i));
  std::vector<Field> many;
  for (const std::string& name : names) many.emplace_back(Key(std::string_view(name)), name);
  emitter.syscall("Many", emitter.begin(), many, nullptr);
  Json deep = 1;
  for (int i = 0; i < 40; ++i) deep = Json::array().push_back(std::move(deep));
  call("Deep", returned(), arg("deep", deep));
  line();
  EXPECT_EQ(both.compared, 2);
}

TEST_F(CallLineTest, RandomTextsAndEscapesAreTheSameBothWays) {
  std::mt19937 random(1);
  const std::string alphabet = "abcdefgh \"\\\n\t\x01\x1f/\x7f";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::size_t left = random() % 100; left > 0; --left) {
      if (random() % 20 == 0) text += "ä€😀";
      text += alphabet[random() % alphabet.size()];
    }
    call(Key(std::string_view(text)), returned(text), arg("x", text),
         arg(Key(std::string_view(text)), static_cast<int>(random())));
  }
  line();
  EXPECT_EQ(both.compared, 2000);
}

}  // namespace
}  // namespace agdb

#include "debug/strace/event_json_line.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>
#include <string>

#include "debug/strace/strace_json.h"
#include "runtime/events/emitter.h"

namespace agdb {
namespace {

std::string direct(const Event& event) {
  std::string text = "before";
  append_event_json(text, event);
  return text;
}

std::string by_document(const Event& event) {
  return "before" + json_line(event_json(event));
}

Event event_of(Event::Payload payload) {
  return {Pid{7}, 12, Nanoseconds(3'999'999), std::move(payload)};
}

// Texts that JSON has to do something about, and some that are none.
const std::vector<std::string>& odd_texts() {
  using namespace std::string_literals;  // NOLINT(*-using-namespace)
  static const std::vector<std::string> kTexts = {
      "",
      "plain",
      "quote \" backslash \\ slash /",
      "nul \0 bell \a escape \x1b delete \x7f\r\n\t\b\f"s,
      "ä € 😀 \u2028",
      "bad \xff\xfe and cut \xe2\x82",
      "a surrogate \xed\xa0\x80",
      std::string(5000, 'x') + "\n\xff",
  };
  return kTexts;
}

std::vector<Json> odd_values() {
  std::vector<Json> values = {nullptr,
                              true,
                              false,
                              0,
                              -1,
                              std::numeric_limits<std::int64_t>::min(),
                              std::numeric_limits<std::int64_t>::max(),
                              std::numeric_limits<std::uint64_t>::max(),
                              0.1,
                              -0.0,
                              1.0,
                              1e300,
                              5e-324,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN(),
                              Json::array(),
                              Json::object()};
  for (const std::string& text : odd_texts()) values.emplace_back(text);
  values.push_back(
      Json::object({{"z", 1}, {"a", Json::array().push_back("b\xff")}, {"", nullptr}}));
  values.push_back(Json(Json::Object{{"twice", 1}, {"b", 2}, {"twice", 3}}));
  Json deep = 1;
  for (int i = 0; i < 100; ++i) deep = Json::object({{"b", std::move(deep)}, {"a", i}});
  values.push_back(std::move(deep));
  Json wide = Json::object();
  for (int i = 100; i > 0; --i) wide.set("key" + std::to_string(i), i);
  values.push_back(std::move(wide));
  return values;
}

TEST(EventJsonLine, ACallWithEveryKindOfValue) {
  for (const Json& value : odd_values()) {
    Syscall call{.name = "Open", .args = Json::object({{"x", value}}), .result = value};
    EXPECT_EQ(direct(event_of(call)), by_document(event_of(call)));
    call.args = value;
    EXPECT_EQ(direct(event_of(call)), by_document(event_of(call)));
  }
}

TEST(EventJsonLine, ACallWithEveryKindOfText) {
  for (const std::string& text : odd_texts()) {
    const Syscall call{.name = text,
                       .args = Json::object({{text, text}, {"a", text}}),
                       .result = text,
                       .err = text,
                       .duration = Nanoseconds(-5'000'001)};
    EXPECT_EQ(direct(event_of(call)), by_document(event_of(call)));
  }
}

TEST(EventJsonLine, TheLimitsOfNumbers) {
  Event event = event_of(Syscall{.name = "Close"});
  event.pid = Pid{std::numeric_limits<std::uint64_t>::max()};
  event.n = std::numeric_limits<std::uint64_t>::max();
  event.timestamp = Nanoseconds::min();
  EXPECT_EQ(direct(event), by_document(event));
  event.payload = ContextChange{.ctx_id = CtxId{std::numeric_limits<std::uint64_t>::max()},
                                .keep = std::numeric_limits<std::uint64_t>::max(),
                                .tokens = std::numeric_limits<std::int64_t>::min()};
  EXPECT_EQ(direct(event), by_document(event));
}

TEST(EventJsonLine, ContextChanges) {
  for (const std::string& text : odd_texts()) {
    for (const Json& value : odd_values()) {
      ContextChange change{.ctx_id = CtxId{3}, .keep = 2, .tokens = 9};
      change.messages = {
          std::make_shared<Message>(Message{"user", text}),
          std::make_shared<Message>(Message{text, "c", text, text, {{"id", text, value}}, 4})};
      EXPECT_EQ(direct(event_of(change)), by_document(event_of(change)));
      change.messages.clear();
      change.system_prompt = std::make_shared<const std::string>(text);
      EXPECT_EQ(direct(event_of(change)), by_document(event_of(change)));
    }
  }
}

TEST(EventJsonLine, ModelAnswers) {
  LlmResponse response{"m", 10, 2};
  EXPECT_EQ(direct(event_of(response)), by_document(event_of(response)));
  for (const Json& value : odd_values()) {
    response = {.model = "m\xff",
                .request_tokens = -1,
                .response_tokens = 2,
                .content = "hi\n",
                .tool_calls = {{"c1", "ls", value}, {"", "", nullptr}},
                .stop_reason = "tool_use",
                .cache_read_tokens = 5,
                .cache_creation_tokens = 6,
                .time_to_first_token = Nanoseconds(1),
                .time_to_last_token = Nanoseconds(2),
                .request_setup = Nanoseconds(3),
                .attempt_starts = {Nanoseconds(0), Nanoseconds(4)},
                .cost_usd = value.to_double(),
                .error = "cut off"};
    EXPECT_EQ(direct(event_of(response)), by_document(event_of(response)));
  }
}

TEST(EventJsonLine, AllOtherKinds) {
  ProcessStart start{.intent = "go", .parent = Pid{3}, .model = "m\xff"};
  start.forked_from = ForkOrigin{"7-1", SeqNum{42}};
  const std::vector<Event::Payload> payloads = {
      StateChange{"created", "running", "why\n"}, Alert{"budget", "warning", 1, 2, 3.5, 4, 5},
      Gap{1, 2, "ring full"}, start, ProcessEnd{"completed", 3}};
  for (const Event::Payload& payload : payloads)
    EXPECT_EQ(direct(event_of(payload)), by_document(event_of(payload)));
}

class StillClock final : public Clock {
 public:
  Nanoseconds now() const override { return Nanoseconds(0); }
  WallTime wall() const override { return WallTime{}; }
};

// Compares what is made from the ring with the document's text, for every event it sees.
class BothWays final : public Subscriber {
 public:
  void on_event(const Event&) override {}
  void on_view(const EventView& view) override {
    in_place += view.raw_syscall() != nullptr ? 1 : 0;
    std::string text = "before";
    append_event_json(text, view);
    EXPECT_EQ(text, by_document(view.event()));
    ++compared;
  }
  int compared = 0;
  int in_place = 0;
};

class EventJsonLineFromRing : public ::testing::Test {
 protected:
  EventJsonLineFromRing() { bus.add(both); }
  ~EventJsonLineFromRing() override { bus.remove(both); }

  template <typename Outcome, typename... Values>
  void call(Key name, const Outcome& outcome, const Arg<Values>&... args) {
    emitter.call(name, emitter.begin(), outcome, args...);
    ++calls;
  }
  int calls = 0;
  EventBus bus;
  BothWays both;
  EventBus::Producer producer = bus.make_producer();
  StillClock clock;
  Emitter emitter{producer, clock, Pid{3}};
};

TEST_F(EventJsonLineFromRing, CallsOfEveryShape) {
  call("Close", returned());
  call("Close", failed("no such descriptor"), arg("fd", 3));
  call("Open", returned("FD(3)"), arg("path", "/x"), arg("flags", 2), arg("path", "/y"));
  call("N", returned(object(arg("b", 1), arg("a", object()))), arg("z", nullptr), arg("a", true));
  for (const std::string& text : odd_texts()) {
    call(Key(std::string_view(text)), failed(text), arg(Key(std::string_view(text)), text));
    call("Write", returned(text), arg("n", object(arg("data", text), arg("a", 1))));
  }
  for (const Json& value : odd_values()) call("V", returned(value), arg("v", value));
  bus.flush();
  EXPECT_EQ(both.compared, calls);
  EXPECT_GT(both.in_place, calls / 2);
}

TEST_F(EventJsonLineFromRing, RandomCalls) {
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
  bus.flush();
  EXPECT_EQ(both.compared, 2000);
  EXPECT_EQ(both.in_place, 2000);
}

}  // namespace
}  // namespace agdb

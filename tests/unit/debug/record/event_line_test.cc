#include "debug/record/event_line.h"

#include <random>

#include "record_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

LineHead head() {
  return {.seq_num = seq(12), .n = 34, .timestamp = Nanoseconds(56), .pid = pid(7)};
}

template <typename Payload>
std::string line_of(const Payload& payload) {
  std::string out;
  append_line(out, head(), payload);
  return out;
}

std::string line_of(const RecordedEvent& event) {
  std::string out;
  append_line(out, event);
  return out;
}

RecordedEvent parsed(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  Result<RecordedEvent> event = parse_line(line);
  EXPECT_TRUE(event) << event.error().message << " in " << line;
  return event ? *std::move(event) : RecordedEvent();
}

std::string error_of(std::string_view line) {
  const Result<RecordedEvent> event = parse_line(line);
  EXPECT_FALSE(event) << line.substr(0, 200);
  if (event) return "";
  EXPECT_EQ(event.error().code, Code::kCorrupt);
  return event.error().message;
}

// Writing.

TEST(EventLine, SyscallHasItsKeysInTheFormatsOrder) {
  const Syscall call{.name = "Open",
                     .args = Json::object({{"path", "/dev/null"}, {"flags", 2}}),
                     .result = 3,
                     .err = "no such device",
                     .duration = Nanoseconds(1200),
                     .span_id = "s1"};
  EXPECT_EQ(line_of(call),
            R"({"seq_num":12,"timestamp":56,"pid":7,"type":"syscall","n":34,)"
            R"("syscall":{"syscall":"Open","args":{"flags":2,"path":"/dev/null"},"result":3,)"
            R"("err":"no such device","duration":1200,"span_id":"s1"}})"
            "\n");
}

TEST(EventLine, EmptyOptionalKeysAreLeftOutButDurationNever) {
  EXPECT_EQ(line_of(Syscall{.name = "Close", .args = {}, .result = {}, .err = {}}),
            R"({"seq_num":12,"timestamp":56,"pid":7,"type":"syscall","n":34,)"
            R"("syscall":{"syscall":"Close","duration":0}})"
            "\n");
}

TEST(EventLine, OnlyANullResultIsLeftOut) {
  for (const Json& result : {Json(0), Json(false), Json(""), Json::array(), Json::object()}) {
    const Syscall call{.name = "Read", .args = {}, .result = result, .err = {}};
    EXPECT_THAT(line_of(call), HasSubstr("\"result\":" + dump(result))) << dump(result);
  }
}

TEST(EventLine, ResponseHasItsKeysInTheFormatsOrder) {
  const LlmResponse llm{
      .model = "m",
      .request_tokens = 10,
      .response_tokens = 20,
      .content = "hi",
      .tool_calls = {{.id = "c1", .name = "ls", .arguments = Json::object({{"b", 1}, {"a", 2}})}},
      .stop_reason = "tool_use",
      .cache_read_tokens = 3,
      .cache_creation_tokens = 4,
      .time_to_first_token = Nanoseconds(5),
      .time_to_last_token = Nanoseconds(6),
      .request_setup = Nanoseconds(7),
      .attempt_starts = {Nanoseconds(8), Nanoseconds(9)},
      .cost_usd = 0.25,
      .error = "e"};
  EXPECT_EQ(line_of(llm),
            R"({"seq_num":12,"timestamp":56,"pid":7,"type":"llm_response","n":34,)"
            R"("llm":{"model":"m","request_tokens":10,"response_tokens":20,"content":"hi",)"
            R"("tool_calls":[{"id":"c1","name":"ls","arguments":{"a":2,"b":1}}],)"
            R"("stop_reason":"tool_use","cache_read_tokens":3,"cache_creation_tokens":4,)"
            R"("time_to_first_token":5,"time_to_last_token":6,"request_setup":7,)"
            R"("attempt_starts":[8,9],"cost_usd":0.25,"error":"e"}})"
            "\n");
  EXPECT_THAT(line_of(LlmResponse{.model = "m"}),
              HasSubstr(R"("llm":{"model":"m","request_tokens":0,"response_tokens":0}})"));
}

TEST(EventLine, StateAlertAndGapHaveTheirKeysInTheFormatsOrder) {
  EXPECT_THAT(line_of(StateChange{.from_state = "running", .to_state = "zombie", .reason = "done"}),
              HasSubstr(R"("type":"state_change","n":34,"state":{"from_state":"running",)"
                        R"("to_state":"zombie","reason":"done"}})"));
  EXPECT_THAT(line_of(Alert{.kind = "budget",
                            .level = "warning",
                            .tokens_used = 80,
                            .context_budget = 100,
                            .remaining_pct = 19.5,
                            .est_remaining_steps = 3,
                            .step = 9}),
              HasSubstr(R"("type":"alert","n":34,"alert":{"kind":"budget","level":"warning",)"
                        R"("tokens_used":80,"context_budget":100,"remaining_pct":19.5,)"
                        R"("est_remaining_steps":3,"step":9}})"));
  EXPECT_THAT(line_of(Gap{.lost_events = 5, .first_n = 2, .reason = "ring full"}),
              HasSubstr(R"("type":"gap","n":34,"gap":{"lost_events":5,"first_n":2,)"
                        R"("reason":"ring full"}})"));
}

TEST(EventLine, SnapshotsHaveTheirKeysInTheFormatsOrder) {
  const std::string prompt = "Be brief.";
  SnapshotText snapshot{.ctx_id = ctx(3),
                        .system_prompt = &prompt,
                        .messages = R"({"role":"user","content":"hi"})",
                        .tokens = 4,
                        .hash = xxh3_128("x")};
  const std::string hash = xxh3_128("x").hex();
  EXPECT_THAT(
      line_of(snapshot),
      HasSubstr(R"("type":"context_snapshot","n":34,"context":{"kind":"full","ctx_id":3,)"
                R"("system_prompt":"Be brief.","messages":[{"role":"user","content":"hi"}],)"
                R"("tokens":4,"hash":")" +
                hash + R"("}})"));
  snapshot.kind = ContextSnapshot::Kind::kDelta;
  snapshot.base = seq(9);
  snapshot.keep = 2;
  EXPECT_THAT(line_of(snapshot),
              HasSubstr(R"("context":{"kind":"delta","ctx_id":3,"base":9,"keep":2,)"
                        R"("messages":[{"role":"user","content":"hi"}],)"
                        R"("system_prompt":"Be brief.","tokens":4,"hash":")"));
  snapshot.system_prompt = nullptr;
  EXPECT_THAT(line_of(snapshot), testing::Not(HasSubstr("system_prompt")));
}

TEST(EventLine, EventsWithoutANumberOfTheirOwnHaveNoN) {
  std::string out;
  append_line(out, {.seq_num = seq(1), .pid = pid(7)}, Gap{.lost_events = 1, .first_n = 1});
  EXPECT_THAT(out, HasSubstr(R"("type":"gap","gap":)"));
}

TEST(EventLine, TextThatIsNotUtf8KeepsItsBytes) {
  const std::string bytes =
      "a\xff\xfe"
      "b";
  const Syscall call{
      .name = "Write", .args = Json::object({{"data", bytes}}), .result = bytes, .err = bytes};
  const std::string line = line_of(call);
  EXPECT_TRUE(parse_json(line)) << line;
  EXPECT_THAT(line, HasSubstr("\"data\":\"a\uFFFD\uFFFD"
                              "b\",\"data_base64\":\"Yf/+Yg==\""));
  EXPECT_THAT(line, HasSubstr("\"result_base64\":\"Yf/+Yg==\""));
  const RecordedEvent event = parsed(line);
  EXPECT_EQ(std::get<Syscall>(event.payload), call);
  EXPECT_TRUE(event.unknown.is_null());
}

TEST(EventLine, LineFeedsAndControlCharactersStayInsideTheLine) {
  const std::string line =
      line_of(StateChange{.from_state = "a\nb", .to_state = std::string("\0\r", 2)});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(std::get<StateChange>(parsed(line).payload).to_state, std::string("\0\r", 2));
}

// Reading.

TEST(EventLine, ReadsWhatTheReferenceWrites) {
  const RecordedEvent event =
      parsed(R"({"seq_num":1,"timestamp":100000000,"pid":42,"type":"syscall",)"
             R"("syscall":{"syscall":"TestCall","args":{"seq":1},"duration":1000000}})");
  EXPECT_EQ(event.seq_num, seq(1));
  EXPECT_EQ(event.timestamp, std::chrono::milliseconds(100));
  EXPECT_EQ(event.pid, pid(42));
  EXPECT_EQ(event.n, 0u);
  const auto& call = std::get<Syscall>(event.payload);
  EXPECT_EQ(call.name, "TestCall");
  EXPECT_EQ(call.args["seq"], Json(1));
  EXPECT_EQ(call.duration, std::chrono::milliseconds(1));
}

TEST(EventLine, ReadsAnyOrderAndAnyWhiteSpace) {
  const RecordedEvent event = parsed(
      " { \"llm\" : { \"response_tokens\":2 ,\t\"model\":\"m\" } , \"type\":\"llm_response\","
      "\"n\":4, \"seq_num\":3 }\r");
  EXPECT_EQ(event.seq_num, seq(3));
  EXPECT_EQ(event.n, 4u);
  EXPECT_EQ(std::get<LlmResponse>(event.payload).response_tokens, 2);
}

TEST(EventLine, KeysFallBackToAnyCaseButTheExactOneWins) {
  const RecordedEvent event = parsed(
      R"({"SEQ_NUM":5,"Type":"state_change","state":{"From_State":"a","to_state":"b","TO_STATE":"c"}})");
  EXPECT_EQ(event.seq_num, seq(5));
  EXPECT_EQ(std::get<StateChange>(event.payload).from_state, "a");
  EXPECT_EQ(std::get<StateChange>(event.payload).to_state, "b");
}

TEST(EventLine, MissingKeysAndNullGiveEmptyValues) {
  EXPECT_EQ(parsed("{}"), RecordedEvent());
  const RecordedEvent event =
      parsed(R"({"seq_num":null,"type":"syscall","syscall":{"syscall":null,"args":null}})");
  EXPECT_EQ(event.seq_num, seq(0));
  EXPECT_EQ(std::get<Syscall>(event.payload), Syscall());
}

TEST(EventLine, AnEventWithoutItsPayloadIsRead) {
  const RecordedEvent event = parsed(R"({"seq_num":9,"pid":1,"type":"syscall"})");
  EXPECT_EQ(event.event_type(), EventType::kSyscall);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(event.payload));
}

TEST(EventLine, AWrongTypeIsAnErrorThatSaysWhere) {
  EXPECT_EQ(error_of(R"({"seq_num":-1})"), "seq_num: expected an integer from 0, got -1");
  EXPECT_EQ(error_of(R"({"seq_num":"1"})"), "seq_num: expected an integer from 0, got a text");
  EXPECT_EQ(error_of(R"({"timestamp":1.5})"), "timestamp: expected an integer, got 1.5");
  EXPECT_EQ(error_of(R"({"type":3})"), "type: expected a text, got 3");
  EXPECT_EQ(error_of(R"({"type":"syscall","syscall":[]})"),
            "syscall: expected an object, got an array");
  EXPECT_EQ(error_of(R"({"type":"syscall","syscall":{"args":"x"}})"),
            "syscall.args: expected an object, got a text");
  EXPECT_EQ(error_of(R"({"type":"llm_response","llm":{"attempt_starts":[1,"x"]}})"),
            "llm.attempt_starts[1]: expected an integer, got a text");
  EXPECT_EQ(error_of(R"({"type":"llm_response","llm":{"cost_usd":"free"}})"),
            "llm.cost_usd: expected a number, got a text");
  EXPECT_THAT(error_of(R"({"type":"llm_response","llm":{"tool_calls":[3]}})"),
              HasSubstr("llm.tool_calls[0]: "));
  EXPECT_THAT(error_of(R"({"type":"context_snapshot","context":{"kind":"full","messages":[3]}})"),
              HasSubstr("context.messages[0]: "));
  EXPECT_EQ(error_of(R"({"type":"context_snapshot","context":{"messages":[{"role":"user"}]}})"),
            "context.messages[0]: expected a text, got an object");
  EXPECT_EQ(error_of(R"({"type":"context_snapshot","context":{"kind":"half"}})"),
            "context.kind: expected full or delta, got half");
}

TEST(EventLine, WhatIsNoObjectIsAnError) {
  for (const char* line : {"123", "\"x\"", "[]", "null", "true"})
    EXPECT_THAT(error_of(line), HasSubstr("expected an object")) << line;
  for (const char* line : {"", "{", "{\"seq_num\":1", "{}{}", "{} x"}) error_of(line);
}

TEST(EventLine, UnknownKeysAndTypesAreKeptWhenCopied) {
  const std::string line = R"({"seq_num":1,"timestamp":2,"pid":3,"type":"syscall","n":4,"syscall":)"
                           R"({"syscall":"Open","duration":5,"zone":"eu"},"color":{"a":1}})"
                           "\n";
  const RecordedEvent event = parsed(line);
  EXPECT_EQ(dump(event.unknown), R"({"color":{"a":1},"syscall":{"zone":"eu"}})");
  EXPECT_EQ(line_of(event), line);

  const std::string later =
      R"({"seq_num":1,"timestamp":2,"pid":3,"type":"dream","dream":{"of":"sheep"}})"
      "\n";
  EXPECT_EQ(parsed(later).event_type(), EventType::kOther);
  EXPECT_EQ(line_of(parsed(later)), later);
}

TEST(EventLine, APayloadUnderAnotherTypesKeyIsUnknown) {
  const RecordedEvent event = parsed(R"({"type":"syscall","llm":{"model":"m"}})");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(event.payload));
  EXPECT_EQ(dump(event.unknown), R"({"llm":{"model":"m"}})");
}

TEST(EventLine, IntegersKeepAllTheirDigits) {
  const RecordedEvent event = parsed(
      R"({"seq_num":18446744073709551615,"timestamp":-9223372036854775808,"type":"syscall",)"
      R"("syscall":{"syscall":"X","args":{"id":18446744073709551615},"duration":9007199254740993}})");
  EXPECT_EQ(raw(event.seq_num), 18446744073709551615u);
  EXPECT_EQ(event.timestamp, Nanoseconds::min());
  EXPECT_THAT(line_of(event), HasSubstr(R"("args":{"id":18446744073709551615})"));
  EXPECT_THAT(line_of(event), HasSubstr(R"("duration":9007199254740993)"));
}

TEST(EventLine, Version1SnapshotsKeepTheirTexts) {
  const std::string line =
      R"({"seq_num":3,"timestamp":0,"pid":42,"type":"context_snapshot",)"
      R"("context":{"messages":["[system] You are...","Hello","[tool] [x] y"]}})"
      "\n";
  const RecordedEvent event = parsed(line);
  const auto& snapshot = std::get<ContextSnapshot>(event.payload);
  EXPECT_EQ(snapshot.kind, ContextSnapshot::Kind::kVersion1);
  EXPECT_THAT(snapshot.texts, testing::ElementsAre("[system] You are...", "Hello", "[tool] [x] y"));
  EXPECT_EQ(snapshot.messages[1], message("user", "Hello"));
  EXPECT_EQ(snapshot.messages[2], message("tool", "[x] y"));
  EXPECT_EQ(line_of(event), line);
  EXPECT_THAT(std::get<ContextSnapshot>(
                  parsed(R"({"type":"context_snapshot","context":{"messages":null}})").payload)
                  .messages,
              IsEmpty());
}

TEST(EventLine, NestingIsBounded) {
  const std::string deep(10'000, '[');
  EXPECT_THAT(error_of(R"({"type":"syscall","syscall":{"args":{"a":)" + deep), testing::Not(""));
  const std::string closed = deep + std::string(10'000, ']');
  error_of(R"({"type":"syscall","syscall":{"result":)" + closed + "}}");
}

TEST(EventLine, WhatAParserTookFitsIntoALine) {
  const int depth = ParseOptions{}.max_depth;
  const std::string text = std::string(static_cast<std::size_t>(depth), '[') +
                           std::string(static_cast<std::size_t>(depth), ']');
  const Result<Json> arguments = parse_json(text);
  ASSERT_TRUE(arguments);
  RecordedEvent event;
  event.type = "context_snapshot";
  ContextSnapshot snapshot{.system_prompt = "p"};
  snapshot.messages.push_back(message("assistant", ""));
  snapshot.messages.back().tool_calls.push_back({"c", "t", *arguments});
  event.payload = snapshot;
  EXPECT_EQ(parsed(line_of(event)), event);
}

TEST(EventLine, ALineOf50MiBIsRead) {
  const Syscall call{
      .name = "Read", .args = {}, .result = std::string(std::size_t{50} << 20, 'x'), .err = {}};
  const RecordedEvent event = parsed(line_of(call));
  EXPECT_EQ(std::get<Syscall>(event.payload).result.string().size(), std::size_t{50} << 20);
}

TEST(EventLine, ALineOverTheLimitIsAnError) {
  EXPECT_THAT(error_of("{\"a\":\"" + std::string(kMaxLineBytes, 'x') + "\"}"),
              HasSubstr("the limit is 64 MiB"));
}

// Round trips of random events.

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t number(std::uint64_t below) { return engine_() % below; }
  std::int64_t integer() { return static_cast<std::int64_t>(engine_() >> number(64)); }
  bool coin() { return number(2) == 0; }

  std::string text() {
    static const std::vector<std::string> kPieces = {"a",    "\"",   "\\",           "\n", "\x01",
                                                     "é",    "漢",   "😀",           " ",  "{}",
                                                     "\xff", "\xc3", "\xed\xa0\x80", ""};
    std::string out;
    for (std::uint64_t i = number(6); i > 0; --i) out += kPieces[number(kPieces.size())];
    return out;
  }

  Json json(int depth) {
    switch (number(depth > 0 ? 7 : 5)) {
      case 0:
        return nullptr;
      case 1:
        return coin();
      case 2:
        return static_cast<long long>(integer());
      case 3:
        return static_cast<double>(number(1 << 20)) + 0.5;
      case 4: {
        std::string utf8;
        for (std::uint64_t i = number(4); i > 0; --i) utf8 += coin() ? "é" : "\n";
        return utf8;
      }
      case 5: {
        Json array = Json::array();
        for (std::uint64_t i = number(4); i > 0; --i) array.push_back(json(depth - 1));
        return array;
      }
      default:
        return object(depth - 1);
    }
  }
  Json object(int depth) {
    Json object = Json::object();
    for (std::uint64_t i = number(4); i > 0; --i) {
      const std::string key = "key" + std::to_string(i);
      // Only members can keep bytes that are not UTF-8.
      object.set(key, coin() ? Json(text()) : json(depth));
    }
    return object;
  }

  Message message() {
    Message out{.role = text(), .content = text(), .name = text(), .tool_call_id = text()};
    for (std::uint64_t i = number(3); i > 0; --i)
      out.tool_calls.push_back({text(), text(), coin() ? object(2) : Json(text())});
    out.turn = number(5);
    return out;
  }

  RecordedEvent::Payload payload() {
    switch (number(6)) {
      case 0: {
        Json args = object(3);
        return Syscall{.name = text(),
                       .args = args.empty() ? Json() : args,
                       .result = json(3),
                       .err = text(),
                       .duration = Nanoseconds(integer()),
                       .span_id = text()};
      }
      case 1:
        return response();
      case 2:
        return StateChange{.from_state = text(), .to_state = text(), .reason = text()};
      case 3:
        return Alert{.kind = text(),
                     .level = text(),
                     .tokens_used = integer(),
                     .context_budget = integer(),
                     .remaining_pct = static_cast<double>(number(1000)) / 8,
                     .est_remaining_steps = integer(),
                     .step = integer()};
      case 4:
        return Gap{.lost_events = engine_(), .first_n = engine_(), .reason = text()};
      default:
        return snapshot();
    }
  }

 private:
  LlmResponse response() {
    LlmResponse llm{.model = text(), .request_tokens = integer(), .response_tokens = integer()};
    llm.content = text();
    for (std::uint64_t i = number(3); i > 0; --i)
      llm.tool_calls.push_back({text(), text(), object(2)});
    llm.stop_reason = text();
    llm.cache_read_tokens = integer();
    llm.time_to_last_token = Nanoseconds(integer());
    for (std::uint64_t i = number(3); i > 0; --i) llm.attempt_starts.emplace_back(integer());
    if (coin()) llm.cost_usd = static_cast<double>(number(1000)) / 7;
    llm.error = text();
    return llm;
  }
  ContextSnapshot snapshot() {
    ContextSnapshot out;
    out.ctx_id = static_cast<CtxId>(engine_());
    if (coin()) {
      out.kind = ContextSnapshot::Kind::kDelta;
      out.base = static_cast<SeqNum>(engine_());
      out.keep = engine_();
    }
    if (out.kind == ContextSnapshot::Kind::kFull || coin()) out.system_prompt = text();
    for (std::uint64_t i = number(4); i > 0; --i) out.messages.push_back(message());
    out.tokens = integer();
    out.hash = xxh3_128(text()).hex();
    return out;
  }

  std::mt19937_64 engine_;
};

TEST(EventLine, RandomEventsComeBackAsTheyWere) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    RecordedEvent event;
    event.seq_num = static_cast<SeqNum>(random.number(1'000'000));
    event.n = random.number(10);
    event.timestamp = Nanoseconds(random.integer());
    event.pid = static_cast<Pid>(random.number(100));
    event.payload = random.payload();
    const std::array<const char*, 7> names = {
        "", "syscall", "context_snapshot", "llm_response", "state_change", "alert", "gap"};
    event.type = names[event.payload.index()];
    const std::string line = line_of(event);
    ASSERT_EQ(parsed(line), event) << "seed " << seed << ": " << line;
    ASSERT_EQ(line_of(parsed(line)), line) << "seed " << seed;
  }
}

}  // namespace
}  // namespace agdb

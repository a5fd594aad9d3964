#include <random>

#include "tests/unit/debug/import/claude_code_log.h"

namespace agdb {
namespace {

using namespace claude;

// What must hold of any log that an importer hands over, whatever the input.
void check(const SessionLog& log) {
  for (const SessionRun& run : log.runs) {
    ASSERT_FALSE(run.processes.empty());
    for (std::size_t p = 0; p < run.processes.size(); ++p) {
      const SessionProcess& process = run.processes[p];
      ASSERT_EQ(process.parent.has_value(), p != 0);
      if (p != 0) {
        ASSERT_LT(*process.parent, p);
      }
      if (process.spawn) {
        const auto& items = run.processes[*process.parent].items;
        ASSERT_LT(
            process.spawn->call,
            std::get<SessionAnswer>(items.at(process.spawn->answer)).response.tool_calls.size());
      }
      std::size_t context = 0;
      for (std::size_t i = 0; i < process.items.size(); ++i) {
        const SessionItem& item = process.items[i];
        if (const auto* answer = std::get_if<SessionAnswer>(&item)) {
          ASSERT_GE(answer->response.request_tokens, 0);
          ASSERT_GE(answer->response.response_tokens, 0);
          context += answer->response.error.empty() ? 1 : 0;
        } else if (const auto* result = std::get_if<SessionToolResult>(&item)) {
          ASSERT_LT(result->answer, i);
          ASSERT_LT(
              result->call,
              std::get<SessionAnswer>(process.items[result->answer]).response.tool_calls.size());
          if (result->child) {
            ASSERT_LT(*result->child, run.processes.size());
          }
          ++context;
        } else {
          const auto& edit = std::get<SessionEdit>(item);
          if (edit.kind == SessionEdit::Kind::kAppend) {
            ASSERT_EQ(edit.messages.size(), 1u);
            ++context;
          } else {
            ASSERT_LE(edit.keep, context);
            context = edit.keep + edit.messages.size();
          }
        }
      }
    }
  }
}

// A session with a bit of everything, and its companions.
Log everything() {
  Log log;
  log.line("summary", {"-", "-"}).set("summary", "s").set("leafUuid", "u1");
  log.attachment({"h0", ""}, Json::object({{"type", "hook_additional_context"},
                                           {"content", blocks({Json("x")})}}));
  log.user({"u1", "h0"}, "start");
  log.system({"e1", "u1"}, "api_error")
      .set("error", Json::object({{"status", 529}, {"message", "m"}}));
  log.answer({"a1", "e1"}, "m1", {thinking("hm"), text("so")});
  log.answer({"a2", "a1"}, "m1",
             {use("t1", "Task", Json::object({{"prompt", "p"}})), use("t2", "Read")}, 9);
  log.user({"r2", "a2"}, blocks({result("t2", blocks({text("file")}), true)}));
  log.line("progress", {"p1", "a2"})
      .set("parentToolUseID", "t1")
      .set("data", Json::object({{"type", "agent_progress"},
                                 {"agentId", "mirrored"},
                                 {"message",
                                  Json::object({{"type", "user"},
                                                {"uuid", "n1"},
                                                {"message", Json::object({{"content", "p"}})}})}}));
  log.user(
         {"r1", "a2"},
         blocks({result("t1", "agentId: x1"), text("and"),
                 Json::object({{"type", "image"}, {"source", Json::object({{"data", "QUJD"}})}})}))
      .set("toolUseResult", Json::object({{"agentId", "x1"}, {"status", "completed"}}));
  log.answer({"a3", "r1"}, "m2", {text("done")});
  log.user({"b1", "a3"}, "one way");
  log.answer({"b2", "b1"}, "m3", {text("b")});
  log.user({"c1", "a3"}, "other way");
  log.user({"b3", "b2"}, "back");
  log.system({"cb", ""}, "compact_boundary")
      .set("compactMetadata",
           Json::object(
               {{"preservedMessages",
                 Json::object({{"anchorUuid", "cs"}, {"uuids", blocks({Json("b2"), Json("b3")})}})},
                {"preservedSegment",
                 Json::object({{"headUuid", "b2"}, {"anchorUuid", "cs"}, {"tailUuid", "b3"}})}}));
  log.user({"cs", "cb"}, "summary").set("isCompactSummary", true);
  log.again(4);
  log.line("user", {"s1", ""})
      .set("isSidechain", true)
      .set("message", Json::object({{"content", "p"}}));
  log.answer({"z1", "cs"}, "e9", {text("API Error")}).set("isApiErrorMessage", true);
  return log;
}

MemoryFiles companions() {
  MemoryFiles files;
  Log child;
  child.agent("x1");
  child.user({"u1", ""}, "start");
  child.user({"xu", "u1"}, "p");
  child.answer({"xa", "xu"}, "xm", {use("t3", "Agent", Json::object({{"prompt", "q"}}))});
  files.files["/p/sess/subagents/agent-x1.jsonl"] = child;
  files.files["/p/sess/subagents/agent-x1.meta.json"] = R"({"toolUseId":"t1"})";
  return files;
}

// Every value of a document, the containers included.
void collect(Json& json, std::vector<Json*>& out) {
  out.push_back(&json);
  if (json.is_array())
    for (Json& item : json.items()) collect(item, out);
  if (json.is_object())
    for (Json::Member& member : json.members()) collect(member.value, out);
}

Json anything(std::mt19937& random) {
  switch (random() % 12) {
    case 0:
      return nullptr;
    case 1:
      return true;
    case 2:
      return static_cast<std::int64_t>(random()) - (std::int64_t{1} << 31);
    case 3:
      return std::numeric_limits<std::int64_t>::min();
    case 4:
      return 1e300;
    case 5:
      return "";
    case 6:
      return "u1";
    case 7:
      return std::string(3, static_cast<char>(random()));
    case 8:
      return Json::array();
    case 9:
      return Json::object();
    case 10:
      return blocks({Json(7), Json("x"), Json::object({{"type", "tool_result"}})});
    default:
      return Json::object({{"type", 3}, {"content", blocks({Json()})}, {"text", Json::array()}});
  }
}

TEST(ClaudeCodeHostile, TheUntouchedSessionHolds) {
  const SessionLog log = import(everything(), companions());
  check(log);
  EXPECT_EQ(log.runs.at(0).processes.size(), 4u);
}

TEST(ClaudeCodeHostile, AnyFieldMayBeAnything) {
  const Log original = everything();
  for (unsigned seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Log log = original;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
      std::vector<Json*> values;
      collect(log.at(random() % log.size()), values);
      *values[random() % values.size()] = anything(random);
    }
    if (const auto read = try_import(log, companions())) check(*read);
  }
}

TEST(ClaudeCodeHostile, LinesMayStandInAnyOrderAndNumber) {
  const Log original = everything();
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t i = 0; i < 2 * original.size(); ++i) {
      Log copy = original;
      text += dump(copy.at(random() % copy.size())) + "\n";
    }
    if (const auto read = try_import(text, companions())) check(*read);
  }
}

TEST(ClaudeCodeHostile, BytesMayBeCutAndChangedAnywhere) {
  const std::string original = everything();
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string text = original;
    for (int i = 0; i < 5; ++i) text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    if (const auto read = try_import(text, companions())) check(*read);
  }
}

TEST(ClaudeCodeHostile, DeepNestingIsCountedNotFollowed) {
  Log log;
  log.user({"u1", ""}, "hi");
  std::string deep = R"({"type":"user","uuid":"d","message":{"content":)";
  deep += std::string(10'000, '[') + std::string(10'000, ']') + "}}\n";
  const SessionLog read = import(log.text() + deep);
  check(read);
  EXPECT_EQ(count(read.not_understood, "line not JSON"), 1u);
  EXPECT_FALSE(try_import(std::string(10'000, '[')));
  EXPECT_FALSE(try_import(std::string(100'000, '{')));
}

TEST(ClaudeCodeHostile, LongLineIsALineLikeOthers) {
  Log log;
  log.user({"u1", ""}, std::string(std::size_t{50} << 20, 'x'));
  const SessionLog read = import(log);
  EXPECT_EQ(std::get<SessionEdit>(root(read).items.at(0)).messages.at(0).content.size(),
            std::size_t{50} << 20);
}

TEST(ClaudeCodeHostile, LongChainsAndManyBranchesStayQuick) {
  Log log;
  log.user({"u0", ""}, "start");
  constexpr int kLines = 20'000;
  for (int i = 1; i < kLines; ++i)
    log.user({"u" + std::to_string(i), "u" + std::to_string(i - 1)}, "x");
  for (int i = 0; i < kLines; ++i) log.user({"v" + std::to_string(i), "u0"}, "y");
  for (int i = 0; i < kLines; ++i)
    log.user({"w" + std::to_string(i), "u0"}, "z").set("isMeta", true);
  check(import(log));
}

TEST(ClaudeCodeHostile, ChainWrittenBackwardsStaysQuick) {
  Log log;
  for (int i = 20'000; i > 0; --i)
    log.user({"u" + std::to_string(i), "u" + std::to_string(i - 1)}, "x");
  log.user({"u0", ""}, "start");
  const SessionLog read = import(log);
  check(read);
  EXPECT_EQ(story(read).front(), "user: start");
}

TEST(ClaudeCodeHostile, ManyAgentsWithOnePrompt) {
  Log log;
  log.user({"u1", ""}, "go");
  std::vector<Json> calls;
  for (int i = 0; i < 2000; ++i)
    calls.push_back(use("t", "Task", Json::object({{"prompt", "same"}})));
  log.answer({"a1", "u1"}, "m1", calls);
  for (int i = 0; i < 2000; ++i)
    log.line("user", {"s" + std::to_string(i), ""})
        .set("isSidechain", true)
        .set("message", Json::object({{"content", "same"}}));
  const SessionLog read = import(log);
  check(read);
  EXPECT_EQ(read.runs[0].processes.size(), 2001u);
}

TEST(ClaudeCodeHostile, ManyKindsAreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += R"({"type":"kind)" + std::to_string(i) + "\"}\n";
  Log log;
  log.user({"u1", ""}, "hi");
  EXPECT_LE(import(log.text() + text).not_understood.size(), 201u);
}

}  // namespace
}  // namespace agdb

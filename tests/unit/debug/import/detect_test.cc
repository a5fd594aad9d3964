#include <gtest/gtest.h>

#include "debug/import/importers.h"

namespace agdb {
namespace {

TEST(DetectSessionFormat, ClaudeCodeByWhatItsLinesName) {
  for (const char* text : {
           R"({"type":"user","sessionId":"s","message":{"role":"user","content":"hi"}})",
           R"({"type":"summary","summary":"s","leafUuid":"l"})",
           R"({"type":"file-history-snapshot","messageId":"m","snapshot":{}})",
           "{\n  \"type\": \"assistant\",\n  \"uuid\": \"u\"\n}\n",
           "not json\n{\"type\":\"mode\",\"sessionId\":\"s\"}\n",
       })
    EXPECT_EQ(detect_session_format(text), "claude-code") << text;
}

TEST(DetectSessionFormat, OpenAiChatByItsMessages) {
  for (const char* text : {
           R"([{"role":"user","content":"hi"}])",
           R"({"messages":[{"role":"user","content":"hi"}]})",
           R"([{"task_id":0,"traj":[{"role":"system","content":"p"}]}])",
           R"({"simulations":[{"messages":[]}]})",
           R"({"request":{"messages":[{"role":"user"}]},"response":{}})",
           R"({"choices":[]})",
           R"([[{"role":"user","content":"hi"}]])",
           R"({"conversations":[{"from":"human","value":"hi"}]})",
           "{\"role\":\"user\",\"content\":\"hi\"}\n{\"role\":\"assistant\",\"content\":\"x\"}\n",
       })
    EXPECT_EQ(detect_session_format(text), "openai-chat") << text;
}

TEST(DetectSessionFormat, SpansByTheirContainer) {
  for (const char* text : {
           R"({"resourceSpans":[]})",
           R"({"batches":[]})",
           R"({"data":[{"traceID":"1","spans":[]}]})",
           R"({"trace":{"id":"1"},"observations":[]})",
           R"({"name":"x","spanId":"1","attributes":[]})",
           R"([{"name":"x","context":{"span_id":"0x1"},"attributes":{}}])",
       })
    EXPECT_EQ(detect_session_format(text), "otlp") << text;
}

TEST(DetectSessionFormat, NeitherOfThem) {
  for (const char* text : {
           "",
           "\n",
           "hello",
           "[]",
           "17",
           R"({"traceEvents":[]})",
           R"({"timestamp":"2025","type":"session_meta","payload":{}})",
           R"({"sessionId":"s","messages":[{"id":"1","type":"user","content":"hi"}]})",
           R"({"messages":[]})",
           R"({"messages":[{"direction":"send"}]})",
       })
    EXPECT_EQ(detect_session_format(text), "") << text;
}

TEST(DetectSessionFormat, LooksAtTheFirstDocumentsOnly) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "{\"a\":1}\n";
  text += "{\"role\":\"user\",\"content\":\"hi\"}\n";
  EXPECT_EQ(detect_session_format(text), "");
}

}  // namespace
}  // namespace agdb

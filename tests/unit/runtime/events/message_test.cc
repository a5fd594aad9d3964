#include "runtime/events/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "runtime/events/token_estimate.h"

namespace agdb {
namespace {

using ::testing::HasSubstr;

std::string text_of(const Message& message) {
  std::string out;
  append_json(out, message);
  return out;
}

Json json(std::string_view text) {
  Result<Json> value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *std::move(value) : Json();
}

Message read(std::string_view text) {
  Result<Message> message = message_from_json(json(text));
  EXPECT_TRUE(message) << text << (message ? "" : message.error().message);
  return message ? *std::move(message) : Message{};
}

std::string error_of(std::string_view text) {
  const Result<Message> message = message_from_json(json(text));
  if (message) return "no error";
  EXPECT_EQ(message.error().code, Code::kCorrupt);
  return message.error().message;
}

Message full() {
  return {.role = "assistant",
          .content = "two\nlines",
          .name = "coder",
          .tool_call_id = "call_0",
          .tool_calls = {{"call_1", "bash", Json::object({{"z", 1}, {"cmd", "ls"}})},
                         {"call_2", "wait", {}},
                         {"call_3", "note", "not {json"}},
          .turn = 7};
}

TEST(MessageJson, ContentIsAlwaysThere) {
  EXPECT_EQ(text_of({}), R"({"role":"","content":""})");
  EXPECT_EQ(text_of({"user", "hi"}), R"({"role":"user","content":"hi"})");
}

TEST(MessageJson, KeysInTheirOrderAndArgumentsSorted) {
  EXPECT_EQ(
      text_of(full()),
      R"({"role":"assistant","content":"two\nlines","name":"coder","tool_call_id":"call_0",)"
      R"("tool_calls":[{"id":"call_1","name":"bash","arguments":{"cmd":"ls","z":1}},)"
      R"({"id":"call_2","name":"wait"},{"id":"call_3","name":"note","arguments":"not {json"}],)"
      R"("turn":7})");
}

TEST(MessageJson, AppendsToWhatIsThere) {
  std::string out = "[";
  append_json(out, Message{"user", "a"});
  EXPECT_EQ(out, R"([{"role":"user","content":"a"})");
}

TEST(MessageJson, BytesThatAreNotUtf8HaveASibling) {
  EXPECT_EQ(text_of({"user", "a\xff"}),
            "{\"role\":\"user\",\"content\":\"a\ufffd\",\"content_base64\":\"Yf8=\"}");
}

TEST(MessageJson, ValueAndTextAgree) {
  const DumpStyle in_order{.sorted = false, .indent = 0, .keep_bytes = true};
  Message message = full();
  message.tool_calls[0].arguments = Json::object({{"a", 1}, {"b", "\xfe"}});
  message.content = "\xff";
  EXPECT_EQ(dump(to_json(message), in_order), text_of(message));
  EXPECT_EQ(to_json(Message{"user", "hi"}), json(R"({"role":"user","content":"hi"})"));
}

TEST(MessageFromJson, ReadsBackWhatWasWritten) {
  EXPECT_EQ(read(text_of(full())), full());
  EXPECT_EQ(read(text_of({"user", ""})), (Message{"user", ""}));
}

TEST(MessageFromJson, ReadsBackBytesThatAreNotUtf8) {
  Message message = full();
  message.role = "\x80";
  message.content = "a\xff\xfe";
  message.name = "\xc0";
  message.tool_call_id = "\xe2\x82";
  message.tool_calls[0].id = "\xed\xa0\x80";
  message.tool_calls[1].name = "\xf5";
  message.tool_calls[2].arguments = "{\"a\xff";
  EXPECT_EQ(read(text_of(message)), message);

  message.tool_calls[1].arguments = Json::object({{"deep", Json::object({{"text", "\xff"}})}});
  const Result<Json> restored = parse_json(text_of(message), nullptr, {.restore_base64 = true});
  ASSERT_TRUE(restored);
  EXPECT_EQ(*message_from_json(*restored), message);
}

TEST(MessageFromJson, AForeignSiblingIsNotBelieved) {
  EXPECT_EQ(read(R"({"content":"hello","content_base64":"Yf8="})").content, "hello");
  EXPECT_EQ(read(R"({"content":"hello","content_base64":"%%"})").content, "hello");
  EXPECT_EQ(read(R"({"content":"hello","content_base64":5})").content, "hello");
}

TEST(MessageFromJson, NullAndMissingAreEmpty) {
  EXPECT_EQ(
      read(R"({"role":"assistant","content":null,"name":null,"tool_calls":null,"turn":null})"),
      (Message{"assistant", ""}));
  EXPECT_EQ(read(R"({"role":"assistant"})"), (Message{"assistant", ""}));
  EXPECT_EQ(read(R"({"content":"x"})"), (Message{"", "x"}));
}

TEST(MessageFromJson, UnknownKeysAreIgnored) {
  EXPECT_EQ(read(R"({"role":"user","content":"x","weight":[1,2]})"), (Message{"user", "x"}));
}

TEST(MessageFromJson, TextBlocksAreJoined) {
  EXPECT_EQ(read(R"({"role":"user","content":[]})").content, "");
  EXPECT_EQ(
      read(R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})")
          .content,
      "a\nb");
}

TEST(MessageFromJson, ErrorsNameTheKey) {
  EXPECT_THAT(error_of("[]"), HasSubstr("expected an object, got an array"));
  EXPECT_THAT(error_of("null"), HasSubstr("expected an object, got null"));
  EXPECT_THAT(error_of("{}"), HasSubstr("neither role nor content"));
  EXPECT_EQ(error_of(R"({"role":5})"), "role: expected a string, got an integer");
  EXPECT_EQ(error_of(R"({"content":{}})"), "content: expected a string, got an object");
  EXPECT_EQ(error_of(R"({"role":"a","name":true})"), "name: expected a string, got a boolean");
  EXPECT_EQ(error_of(R"({"role":"a","tool_call_id":1.5})"),
            "tool_call_id: expected a string, got a number");
  EXPECT_EQ(error_of(R"({"role":"a","tool_calls":{}})"),
            "tool_calls: expected an array, got an object");
  EXPECT_EQ(error_of(R"({"role":"a","tool_calls":[{"id":"1"},7]})"),
            "tool_calls[1]: tool call: expected an object, got an integer");
  EXPECT_EQ(error_of(R"({"role":"a","tool_calls":[{"name":[]}]})"),
            "tool_calls[0]: name: expected a string, got an array");
  EXPECT_THAT(error_of(R"({"role":"a","turn":-1})"), HasSubstr("turn: expected an integer"));
  EXPECT_THAT(error_of(R"({"role":"a","turn":1.5})"), HasSubstr("turn: expected an integer"));
  EXPECT_THAT(error_of(R"({"role":"a","turn":"1"})"), HasSubstr("got a string"));
  EXPECT_EQ(error_of(R"({"content":["a"]})"), "content[0]: expected an object, got a string");
  EXPECT_EQ(error_of(R"({"content":[{"type":"text","text":"a"},{"type":"image"}]})"),
            "content[1]: a block of type \"image\", not \"text\"");
  EXPECT_EQ(error_of(R"({"content":[{"type":"text"}]})"),
            "content[0].text: expected a string, got null");
}

TEST(MessageHash, IsOfTheJsonBytes) {
  EXPECT_EQ(hash_of(full()), xxh3_128(text_of(full())));
  Message other = full();
  other.turn = 8;
  EXPECT_NE(hash_of(other), hash_of(full()));
}

TEST(MessageHash, DoesNotDependOnTheOrderOfArguments) {
  Message a{"assistant", "", {}, {}, {{"1", "f", json(R"({"x":1,"y":2})")}}};
  Message b{"assistant", "", {}, {}, {{"1", "f", json(R"({"y":2,"x":1})")}}};
  EXPECT_EQ(hash_of(a), hash_of(b));
}

TEST(ContextHash, IsOverTheBytesOfPromptAndMessages) {
  const std::array<Hash128, 2> messages = {hash_of({"user", "a"}), hash_of({"assistant", "b"})};
  const Hash128 prompt = xxh3_128("be brief");
  std::string bytes;
  for (const Hash128& hash : {prompt, messages[0], messages[1]})
    bytes.append(hash.bytes.begin(), hash.bytes.end());
  EXPECT_EQ(context_hash(prompt, messages), xxh3_128(bytes));
  EXPECT_EQ(context_hash(prompt, {}), xxh3_128(bytes.substr(0, 16)));
}

TEST(MessageTokens, CountContentAndCalls) {
  EXPECT_EQ(estimate_tokens(Message{"user", ""}), 0);
  EXPECT_EQ(estimate_tokens(Message{"user", "hello"}), 2);
  const Message message = full();
  EXPECT_EQ(estimate_tokens(message), estimate_tokens("two\nlines") + estimate_tokens("bash") +
                                          estimate_tokens(R"({"cmd":"ls","z":1})") +
                                          estimate_tokens("wait") + estimate_tokens("note") +
                                          estimate_tokens(R"("not {json")"));
}

}  // namespace
}  // namespace agdb

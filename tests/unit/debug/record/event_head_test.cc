#include "debug/record/event_head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "debug/record/event_line.h"

namespace agdb {
namespace {

constexpr LineHead kHead{SeqNum{12}, 34, Nanoseconds(-56), Pid{7}};

template <typename Payload>
std::string line_of(const LineHead& head, const Payload& payload) {
  std::string line;
  append_line(line, head, payload);
  return line;
}

std::vector<std::string> a_line_of_each_type(const LineHead& head) {
  SnapshotText snapshot;
  snapshot.ctx_id = CtxId{3};
  return {line_of(head, Syscall{.name = "CtxRead", .args = Json::object({{"cid", 3}})}),
          line_of(head, snapshot),
          line_of(head, LlmResponse{.model = "m"}),
          line_of(head, StateChange{.from_state = "running", .to_state = "zombie"}),
          line_of(head, Alert{.kind = "budget"}),
          line_of(head, Gap{.lost_events = 1})};
}

// In front of the payload the start tells the same as the whole event.
TEST(OwnLineStart, IsReadOfEveryTypeOfEvent) {
  for (const std::uint64_t n : {0, 34}) {
    LineHead head = kHead;
    head.n = n;
    for (const std::string& line : a_line_of_each_type(head)) {
      OwnLineStart start;
      const std::size_t payload = read_own_start(line, start);
      ASSERT_NE(payload, 0U) << line;
      const std::string key = "\"" + std::string(payload_key(start.type)) + "\":";
      EXPECT_TRUE(std::string_view(line).substr(0, payload).ends_with(key)) << line;
      EXPECT_EQ(line[payload], '{') << line;
      const Result<RecordedEvent> event = parse_line(line);
      ASSERT_TRUE(event) << line;
      EXPECT_EQ(start.seq_num, event->seq_num) << line;
      EXPECT_EQ(start.n, event->n) << line;
      EXPECT_EQ(start.timestamp, event->timestamp) << line;
      EXPECT_EQ(start.type, event->event_type()) << line;
    }
  }
}

TEST(OwnLineStart, IsNotReadOfOtherForms) {
  OwnLineStart start;
  for (const char* line : {"", "{", R"({"seq_num":1})",
                           R"({"seq_num": 1,"timestamp":2,"pid":3,"type":"gap","gap":{}})",
                           R"({"timestamp":2,"seq_num":1,"pid":3,"type":"gap","gap":{}})",
                           R"({"seq_num":1,"timestamp":2,"pid":3,"type":"gap","alert":{}})",
                           R"({"seq_num":1,"timestamp":2,"pid":3,"type":"dream","dream":{}})",
                           R"({"seq_num":01,"timestamp":2,"pid":3,"type":"gap","gap":{}})"})
    EXPECT_EQ(read_own_start(line, start), 0U) << line;
}

TEST(OwnLineStart, EndsWithinTheLineHoweverItIsCut) {
  for (const std::string& line : a_line_of_each_type(kHead)) {
    for (std::size_t size = 0; size < line.size(); ++size) {
      // In memory of exactly that size, so that a look behind it does not go unnoticed.
      const std::vector<char> cut(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(size));
      OwnLineStart start;
      EXPECT_LE(read_own_start({cut.data(), cut.size()}, start), size);
      (void)begins_with({cut.data(), cut.size()}, SeqNum{12});
    }
  }
}

TEST(OwnLineStart, TheNumberIsTheFirstMember) {
  EXPECT_TRUE(begins_with(R"({"seq_num":12,"timestamp":0})", SeqNum{12}));
  EXPECT_FALSE(begins_with(R"({"seq_num":12,"timestamp":0})", SeqNum{1}));
  EXPECT_FALSE(begins_with(R"({"seq_num":12,"timestamp":0})", SeqNum{123}));
  EXPECT_FALSE(begins_with(R"({"seq_num":1.2,"timestamp":0})", SeqNum{1}));
  EXPECT_FALSE(begins_with(R"({ "seq_num":12})", SeqNum{12}));
  EXPECT_FALSE(begins_with("", SeqNum{0}));
}

}  // namespace
}  // namespace agdb

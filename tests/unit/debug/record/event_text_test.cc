#include "debug/record/event_text.h"

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

struct SeenLine {
  std::string text;
  std::uint64_t number;
  std::uint64_t offset;
  bool terminated;

  bool operator==(const SeenLine&) const = default;
};

class EventTextTest : public testing::Test {
 protected:
  EventText text_of(std::string_view content) {
    write_text(temp_ / "events.jsonl", content);
    Result<EventText> text = EventText::open(temp_.path());
    EXPECT_TRUE(text);
    return *std::move(text);
  }
  std::vector<SeenLine> lines_of(std::string_view content) {
    const EventText text = text_of(content);
    LineScanner lines(text, 0, 1, content.size());
    std::vector<SeenLine> seen;
    while (*lines.next()) {
      const LineScanner::Line& line = lines.line();
      seen.push_back({std::string(line.text), line.number, line.offset, line.terminated});
      EXPECT_EQ(line.length, line.text.size());
    }
    return seen;
  }
  const TempFolder temp_;
};

TEST_F(EventTextTest, EmptyHasNoLines) {
  EXPECT_TRUE(lines_of("").empty());
}

TEST_F(EventTextTest, LinesAreCountedWithTheirOffsets) {
  EXPECT_EQ(lines_of("a\n\nbc\r\nd"),
            (std::vector<SeenLine>{
                {"a", 1, 0, true}, {"", 2, 2, true}, {"bc", 3, 3, true}, {"d", 4, 7, false}}));
}

TEST_F(EventTextTest, LinesOfAnyLengthCrossThePieces) {
  std::string content;
  std::vector<SeenLine> expected;
  for (std::size_t length : {0, 1, 262'143, 262'144, 262'145, 700'000, 3}) {
    expected.push_back({std::string(length, 'x'), expected.size() + 1, content.size(), true});
    content += expected.back().text + "\n";
  }
  EXPECT_EQ(lines_of(content), expected);
}

TEST_F(EventTextTest, ALineOverTheLimitIsToldAndNotKept) {
  const std::string content = "a\n" + std::string(kMaxLineBytes + 1, 'x') + "\nb\n";
  const EventText text = text_of(content);
  LineScanner lines(text, 0, 1, content.size());
  ASSERT_TRUE(*lines.next());
  ASSERT_TRUE(*lines.next());
  EXPECT_TRUE(lines.line().too_long);
  EXPECT_EQ(lines.line().offset, 2u);
  EXPECT_EQ(lines.line().length, kMaxLineBytes + 1);
  EXPECT_EQ(lines.line().text, "");
  ASSERT_TRUE(*lines.next());
  EXPECT_EQ(lines.line().text, "b");
  EXPECT_FALSE(*lines.next());
}

TEST_F(EventTextTest, AFileThatBecameShorterIsAnError) {
  const EventText text = text_of("0123456789");
  std::string out;
  ASSERT_TRUE(text.read(5, 5, out));
  EXPECT_EQ(out, "56789");
  write_text(temp_ / "events.jsonl", "0123");
  const Status status = text.read(2, 5, out);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kCorrupt);
  EXPECT_THAT(status.error().message, testing::HasSubstr("has become shorter"));
}

TEST_F(EventTextTest, AMissingFileIsNamed) {
  const Result<EventText> text = EventText::open(temp_ / "none");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, testing::HasSubstr("events"));
  EXPECT_FALSE(has_writer(temp_ / "none"));
}

}  // namespace
}  // namespace agdb

#include "debug/record/event_text.h"

#include <filesystem>

#include "debug/record/event_line.h"
#include "debug/record/zstd_frames.h"
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

class CompressedText : public EventTextTest {
 protected:
  static std::string packed(std::string_view content) {
    std::string file;
    FrameWriter writer([&file](std::string_view bytes) -> Status {
      file += bytes;
      return {};
    });
    EXPECT_TRUE(writer.append(content));
    EXPECT_TRUE(writer.finish());
    return file;
  }
  EventText compressed(std::string_view content) { return compressed_file(packed(content)); }
  EventText compressed_file(std::string_view file) {
    write_text(temp_ / "events.jsonl.zst", file);
    Result<EventText> text = EventText::open(temp_.path());
    EXPECT_TRUE(text) << text.error().message;
    return *std::move(text);
  }
  // Lines of 1000 bytes, "\n" included, that no two are alike.
  static std::string lines(int count) {
    std::string content;
    for (int i = 0; i < count; ++i) {
      std::string line = std::to_string(i) + ":";
      line.resize(999, static_cast<char>('a' + i % 26));
      content += line + "\n";
    }
    return content;
  }
};

TEST_F(CompressedText, TheTextIsTheSame) {
  const std::string content = lines(3000);
  const EventText text = compressed(content);
  EXPECT_TRUE(text.compressed());
  EXPECT_THAT(text.path(), testing::EndsWith("/events.jsonl.zst"));
  EXPECT_EQ(*text.size(), content.size());
  EXPECT_EQ(text.pieces(), 6u);
  std::string out;
  ASSERT_TRUE(text.read(524'900, 300, out));
  EXPECT_EQ(out, content.substr(524'900, 300));
  EXPECT_FALSE(text.has_writer());
}

TEST_F(CompressedText, LinesAreTheSame) {
  std::string content = lines(1500) + std::string(2'000'000, 'x') + "\n\nlast";
  const EventText text = compressed(content);
  write_text(temp_ / "events.jsonl", content);
  const EventText plain = *EventText::open_plain(temp_ / "events.jsonl");
  LineScanner ours(text, 0, 1, content.size());
  LineScanner theirs(plain, 0, 1, content.size());
  while (*theirs.next()) {
    ASSERT_TRUE(*ours.next());
    ASSERT_EQ(ours.line().text, theirs.line().text);
    ASSERT_EQ(ours.line().offset, theirs.line().offset);
    ASSERT_EQ(ours.line().terminated, theirs.line().terminated);
  }
  EXPECT_FALSE(*ours.next());
}

TEST_F(CompressedText, ThePlainFormComesFirst) {
  write_text(temp_ / "events.jsonl", "plain");
  const EventText text = compressed("packed");
  EXPECT_FALSE(text.compressed());
  EXPECT_EQ(*text.size(), 5u);
}

TEST_F(CompressedText, WhatIsNoCompressedTextIsNamed) {
  write_text(temp_ / "events.jsonl.zst", "not what it says");
  const Result<EventText> text = EventText::open(temp_.path());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kCorrupt);
  EXPECT_THAT(text.error().message, testing::HasSubstr("events.jsonl.zst"));
}

TEST_F(CompressedText, AScanPassesADamagedFrame) {
  const std::string content = lines(1500);  // frames of 525, 525 and 450 lines
  std::string file = packed(content);
  const std::size_t second = file.find("\x28\xb5\x2f\xfd", 4);
  ASSERT_NE(second, std::string::npos);
  file[second + 50] = static_cast<char>(file[second + 50] ^ 1);
  const EventText text = compressed_file(file);
  LineScanner scanner(text, 0, 1, content.size());
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unreadable;
  std::size_t read = 0;
  while (*scanner.next()) {
    const LineScanner::Line& line = scanner.line();
    if (line.unreadable.empty()) {
      EXPECT_EQ(line.text, content.substr(line.offset, line.length));
      ++read;
    } else {
      EXPECT_THAT(line.unreadable, testing::HasSubstr("frame 2 of 3"));
      EXPECT_EQ(line.text, "");
      EXPECT_FALSE(line.blank);
      unreadable.emplace_back(line.offset, line.end);
    }
  }
  EXPECT_EQ(read, 975u);
  EXPECT_THAT(unreadable, testing::ElementsAre(std::pair(525'000, 1'050'000)));
}

TEST_F(CompressedText, ALineThatRunsIntoADamagedFrameIsUnreadableWithIt) {
  const std::string content = "short\n" + std::string(1'500'000, 'x') + "\nlast\n";
  std::string file = packed(content);
  const std::size_t second = file.find("\x28\xb5\x2f\xfd", 4);
  ASSERT_NE(second, std::string::npos);
  file[second + 10] = static_cast<char>(file[second + 10] ^ 1);
  const EventText text = compressed_file(file);
  LineScanner scanner(text, 0, 1, content.size());
  ASSERT_TRUE(*scanner.next());
  EXPECT_EQ(scanner.line().text, "short");
  ASSERT_TRUE(*scanner.next());
  EXPECT_NE(scanner.line().unreadable, "");
  EXPECT_EQ(scanner.line().offset, 6u);
  EXPECT_EQ(scanner.line().end, content.size());
  EXPECT_FALSE(*scanner.next());
}

TEST_F(EventTextTest, AMissingFileIsNamed) {
  const Result<EventText> text = EventText::open(temp_ / "none");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, testing::HasSubstr("events"));
  EXPECT_FALSE(has_writer(temp_ / "none"));
}

}  // namespace
}  // namespace agdb

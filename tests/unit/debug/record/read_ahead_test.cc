#include "debug/record/read_ahead.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

class ReadAheadTest : public RecordTest {
 protected:
  EventText text_of(const std::string& content) {
    folder_ = recording("");
    write_text(folder_ + "/events.jsonl", content);
    return *EventText::open(folder_);
  }
  std::string folder_;
};

std::string numbered(std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; out.size() < bytes; ++i) out += std::to_string(i) + ' ';
  out.resize(bytes);
  return out;
}

TEST_F(ReadAheadTest, GivesTheTextInPieces) {
  const std::string content = numbered(10'000);
  const EventText text = text_of(content);
  for (const std::size_t piece_bytes : {1'000, 3'333, 10'000, 20'000}) {
    ReadAhead ahead(text, 5, content.size(), piece_bytes);
    std::string all;
    std::string piece;
    while (*ahead.next(piece)) {
      EXPECT_LE(piece.size(), piece_bytes);
      all += piece;
    }
    EXPECT_EQ(all, content.substr(5));
    EXPECT_FALSE(*ahead.next(piece));
  }
}

TEST_F(ReadAheadTest, OfNothingItGivesNothing) {
  const EventText text = text_of("");
  ReadAhead ahead(text, 0, 0, 100);
  std::string piece;
  EXPECT_FALSE(*ahead.next(piece));
}

TEST_F(ReadAheadTest, MayEndBeforeTheText) {
  const EventText text = text_of(numbered(10'000));
  ReadAhead ahead(text, 0, 10'000, 100);
  std::string piece;
  EXPECT_TRUE(*ahead.next(piece));
}

TEST_F(ReadAheadTest, ATextThatWasCutIsAnErrorAtTheEnd) {
  const EventText text = text_of(numbered(1'000));
  ReadAhead ahead(text, 0, 3'000, 1'000);
  std::string piece;
  EXPECT_TRUE(*ahead.next(piece));
  EXPECT_FALSE(ahead.next(piece));
  EXPECT_FALSE(ahead.next(piece));
}

// Lines across pieces, lines longer than pieces, damage and a torn end: read ahead as without.
TEST_F(ReadAheadTest, AnIndexOfALongTextIsThatOfItsLines) {
  std::string content;
  std::uint64_t number = 0;
  const auto add = [&](std::size_t bytes) {
    ++number;
    append_line(content,
                {.seq_num = seq(number), .n = number, .timestamp = Nanoseconds(1), .pid = pid(7)},
                Syscall{.name = "Call",
                        .args = Json::object({{"data", std::string(bytes, 'x')}}),
                        .result = {},
                        .err = {}});
  };
  for (int i = 0; i < 6000; ++i) add(static_cast<std::size_t>(i % 1000));
  add(3'000'000);
  for (int i = 0; i < 3000; ++i) add(500);
  content += "not an event\n";
  for (int i = 0; i < 3000; ++i) add(500);
  ASSERT_GT(content.size(), std::size_t{8} << 20);
  const Recording recording = open(this->recording(content));
  ASSERT_EQ(recording.size(), number);
  EXPECT_EQ(recording.damage().size(), 1u);
  for (std::size_t i = 0; i < recording.size(); ++i)
    ASSERT_EQ(raw(recording.event_at(i)->seq_num), i + 1);
}

}  // namespace
}  // namespace agdb

#include "debug/record/piece_work.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstddef>

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

class PieceWorkTest : public RecordTest {
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

// Counts the blanks of its piece.
struct Counter {
  struct Found {
    std::uint64_t offset = 0;
    std::ptrdiff_t blanks = 0;
  };
  void look(std::uint64_t offset, std::string_view text, Found& found) {
    found = {offset, std::count(text.begin(), text.end(), ' ')};
  }
};
using Counting = PieceWork<Counter>;

Counting count_of(const EventText& text, std::uint64_t from, std::uint64_t end,
                  std::uint64_t piece_bytes) {
  return Counting(text, from, end, piece_bytes);
}

TEST_F(PieceWorkTest, GivesThePiecesInTheirOrderWithWhatWasFound) {
  const std::string content = numbered(100'000);
  const EventText text = text_of(content);
  for (const std::size_t piece_bytes : {100, 3'333, 100'000, 200'000}) {
    Counting work = count_of(text, 5, content.size(), piece_bytes);
    std::string all;
    while (const Counting::Piece* piece = work.next()) {
      ASSERT_TRUE(piece->status);
      EXPECT_LE(piece->text.size(), piece_bytes);
      EXPECT_EQ(piece->offset, 5 + all.size());
      EXPECT_EQ(piece->found.offset, piece->offset);
      EXPECT_EQ(piece->found.blanks, std::count(piece->text.begin(), piece->text.end(), ' '));
      all += piece->text;
    }
    EXPECT_EQ(all, content.substr(5));
    EXPECT_EQ(work.next(), nullptr);
  }
}

TEST_F(PieceWorkTest, OfNothingItGivesNothing) {
  const EventText text = text_of("");
  EXPECT_EQ(count_of(text, 0, 0, 100).next(), nullptr);
}

TEST_F(PieceWorkTest, MayEndBeforeTheText) {
  const EventText text = text_of(numbered(100'000));
  Counting work = count_of(text, 0, 100'000, 100);
  EXPECT_NE(work.next(), nullptr);
}

TEST_F(PieceWorkTest, ATextThatWasCutIsAnErrorAtTheEnd) {
  const EventText text = text_of(numbered(2'000));
  Counting work = count_of(text, 0, 5'000, 1'000);
  EXPECT_TRUE(work.next()->status);
  EXPECT_TRUE(work.next()->status);
  EXPECT_FALSE(work.next()->status);
  EXPECT_EQ(work.next(), nullptr);
}

std::string lines_of(const EventText& text, std::uint64_t piece_bytes, std::size_t longest) {
  Counting work = count_of(text, 0, *text.size(), piece_bytes);
  std::string out;
  const auto take_line = [&](std::string_view line) { out += line; };
  const auto take_whole = [&](const Counting::Piece&, std::string_view lines) { out += lines; };
  EXPECT_TRUE(take_lines_of(work, longest, [](std::string_view) {}, take_line, take_whole));
  return out;
}

TEST_F(PieceWorkTest, LinesComeWholeWhereverPiecesMeet) {
  const EventText text = text_of("one\n\ntwo\nthree and more\n\n\nfour\nno end");
  for (std::uint64_t piece_bytes = 1; piece_bytes < 40; ++piece_bytes) {
    EXPECT_EQ(lines_of(text, piece_bytes, 100), "one\n\ntwo\nthree and more\n\n\nfour\n");
    EXPECT_EQ(lines_of(text, 1, 10), "one\n\ntwo\n");
  }
}

// Lines across pieces, lines longer than pieces, damage and a torn end: read ahead as without.
TEST_F(PieceWorkTest, AnIndexOfALongTextIsThatOfItsLines) {
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

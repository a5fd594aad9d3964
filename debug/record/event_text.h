#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// The text of a recording's events.jsonl, for reading at any place. It is read and not mapped: a
// file that somebody cuts while it is open gives an error, where touching a map beyond the end
// would end the program. Const calls: any thread.
class EventText {
 public:
  // `folder` is a recording's. Errors contain "events".
  static Result<EventText> open(const std::string& folder);
  EventText(EventText&& other) noexcept;
  EventText& operator=(EventText&& other) noexcept;
  ~EventText();

  const std::string& path() const { return path_; }
  // Bytes in the file, now.
  Result<std::uint64_t> size() const;
  // Exactly the bytes [offset, offset + length) in `out`. The file having fewer is kCorrupt.
  Status read(std::uint64_t offset, std::size_t length, std::string& out) const;
  // Whether a recorder holds the lock on the file.
  bool has_writer() const;

 private:
  EventText(std::string path, int fd);
  std::string path_;
  int fd_;
};

// Whether a recorder holds the lock on the events of that recording; false when there is no such
// file.
bool has_writer(const std::string& folder);

// One line after the other of an EventText, in pieces of bounded size.
//
//   LineScanner lines(text, 0, 1, size);
//   while (true) {
//     AGDB_TRY(const bool more, lines.next());
//     if (!more) break;
//     use(lines.line()) ...
class LineScanner {
 public:
  struct Line {
    std::string_view text;     // without its end; empty when too_long; valid until next()
    std::uint64_t number = 0;  // from 1
    std::uint64_t offset = 0;  // of its first byte
    std::uint64_t length = 0;  // without its end
    std::uint64_t end = 0;     // where the next line begins
    bool terminated = false;   // by "\n"
    bool blank = false;        // white space at most
    bool too_long = false;     // over kMaxLineBytes: not kept
  };

  // Lines from `offset` on, the first of which has that number, up to `end`.
  LineScanner(const EventText& text, std::uint64_t offset, std::uint64_t first_number,
              std::uint64_t end);

  // False at the end. The last line may lack its "\n".
  Result<bool> next();
  const Line& line() const { return line_; }

 private:
  Status refill();

  const EventText& text_;
  std::uint64_t end_;
  std::string buffer_;  // bytes from at_ on
  std::uint64_t buffer_offset_;
  std::size_t at_ = 0;  // in buffer_, where the next line begins
  std::uint64_t next_number_;
  Line line_;
};

// Whether a last line without "\n" is one all the same, not the torn half of one: blank, or a
// complete JSON object.
bool is_whole(const LineScanner::Line& line);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

class FrameReader;

// Told, while a long text is gone through, how many of its bytes are done.
using TextProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// The text of a recording's events, for reading at any place: that of events.jsonl, or the one that
// events.jsonl.zst holds where there is no events.jsonl. Offsets and sizes are those of the text in
// both. It is read and not mapped: a file that somebody cuts while it is open gives an error, where
// touching a map beyond the end would end the program. Const calls: any thread.
class EventText {
 public:
  // `folder` is a recording's. Errors contain "events".
  static Result<EventText> open(const std::string& folder);
  // One of the two, by the file's own path.
  static Result<EventText> open_plain(std::string path);
  static Result<EventText> open_compressed(const std::string& path);
  EventText(EventText&& other) noexcept;
  EventText& operator=(EventText&& other) noexcept;
  ~EventText();

  // Of the file that is open.
  const std::string& path() const { return path_; }
  bool compressed() const { return frames_ != nullptr; }
  // Bytes of text, now. A compressed one never changes.
  Result<std::uint64_t> size() const;
  // Exactly the bytes [offset, offset + length) in `out`. The file having fewer is kCorrupt, and so
  // is a damaged frame of a compressed one, which is named; text in other frames can be read.
  Status read(std::uint64_t offset, std::size_t length, std::string& out) const;
  // Frames of a compressed one; 1 of another.
  std::uint64_t pieces() const;
  // Where the piece around `offset` ends that is read, or damaged, as a whole: a frame's end; the
  // text's where it is not compressed. REQUIRES: offset < size().
  Result<std::uint64_t> piece_end(std::uint64_t offset) const;
  // Whether somebody holds the lock on the file: a recorder, or whoever is compressing or
  // decompressing it.
  bool has_writer() const;

 private:
  EventText(std::string path, int fd, std::unique_ptr<FrameReader> frames);
  std::string path_;
  int fd_;
  std::unique_ptr<FrameReader> frames_;  // nullptr: not compressed
};

// Names in a recording's folder.
inline constexpr std::string_view kEventsFile = "events.jsonl";
inline constexpr std::string_view kCompressedFile = "events.jsonl.zst";

// Whether somebody holds the lock on the events of that recording; false when there are none.
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
    // Not empty: these bytes could not be read, and this is why. They stand in damaged frames of a
    // compressed text and were an unknown number of lines; `number` counts them as one.
    std::string unreadable = {};
  };

  // Lines from `offset` on, the first of which has that number, up to `end`.
  LineScanner(const EventText& text, std::uint64_t offset, std::uint64_t first_number,
              std::uint64_t end);

  // False at the end. The last line may lack its "\n". Damaged frames are no error: see unreadable.
  Result<bool> next();
  const Line& line() const { return line_; }

 private:
  Status refill();
  Result<bool> pass_damage(Error error);

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

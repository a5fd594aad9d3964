#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace agdb {

// Cuts a stream of bytes into lines.
//
//   const std::span<char> space = buffer.space();
//   buffer.filled(read(fd, space.data(), space.size()));
//   while (const std::optional<Line> line = buffer.next()) …
//
// Each byte is looked at once, however it arrives. A line ends with '\n'; a '\r' before it is not
// part of it. Empty lines are left out. What comes out depends on the bytes alone, not on the
// pieces in which they came. Move-only; one thread.
class LineBuffer {
 public:
  // Longer lines are a peer's mistake: what is legal has its size from contexts, which are smaller.
  static constexpr std::size_t kMaxLine = std::size_t{64} << 20;
  // What is shown of a line that is too long, at most.
  static constexpr std::size_t kShown = 80;

  explicit LineBuffer(std::size_t max_line = kMaxLine);

  // Room for what is read next, at least 4 KiB. Valid until the next call of anything.
  std::span<char> space();
  // So many bytes were read into it.
  void filled(std::size_t bytes);

  struct Line {
    std::string_view text;  // valid until space() is called
    // The line was longer than the limit: `text` is its beginning, the rest is skipped. Told once,
    // as soon as it is known.
    bool too_long = false;
  };
  // The next whole line; nothing when more bytes are needed.
  std::optional<Line> next();
  // When nothing more will come and next() gave nothing: the line that has no end, if there is one.
  std::optional<Line> rest();

  // Bytes of a line that has begun and not ended.
  std::size_t unfinished() const { return end_ - begin_; }
  // Bytes held: 64 KiB, but while a line is longer (then at most twice the limit).
  std::size_t capacity() const { return capacity_; }

 private:
  Line cut(std::size_t line_end) const;
  Line too_long() const;
  void move_to(std::size_t capacity);

  std::size_t max_line_;
  std::size_t capacity_;
  // Not initialised: an idle peer's buffer then costs no memory.
  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;    // of what was not given out yet
  std::size_t scanned_ = 0;  // no '\n' between begin_ and here
  std::size_t end_ = 0;
  bool skipping_ = false;  // within a line that is too long, which has been told
};

}  // namespace agdb

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace agdb {

// Cuts a stream of bytes into lines.
//
//   const std::span<char> space = buffer.space();
//   buffer.filled(read(fd, space.data(), space.size()));
//   while (const std::optional<Line> line = buffer.next()) …
//
// Each byte is looked at once, however it arrives. A line ends with '\n'; a '\r' before it is not
// part of it. Empty lines are left out. One thread.
class LineBuffer {
 public:
  // Longer lines are a peer's mistake: what is legal has its size from contexts, which are smaller.
  static constexpr std::size_t kMaxLine = std::size_t{64} << 20;

  explicit LineBuffer(std::size_t max_line = kMaxLine);

  // Room for what is read next, at least 4 KiB. Valid until the next call of anything.
  std::span<char> space();
  // So many bytes were read into it.
  void filled(std::size_t bytes);

  struct Line {
    std::string_view text;  // valid until space() is called
    // The line was longer than the limit: `text` is its beginning, the rest is skipped.
    bool too_long = false;
  };
  // The next whole line; nothing when more bytes are needed.
  std::optional<Line> next();

  // Bytes of a line that has begun and not ended.
  std::size_t unfinished() const { return end_ - begin_; }

 private:
  Line cut(std::size_t line_end);

  const std::size_t max_line_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;    // of what was not given out yet
  std::size_t scanned_ = 0;  // no '\n' between begin_ and here
  std::size_t end_ = 0;
  bool skipping_ = false;  // within a line that is too long, which has been told
};

}  // namespace agdb

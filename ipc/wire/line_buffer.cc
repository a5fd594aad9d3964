#include "ipc/wire/line_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace agdb {
namespace {

constexpr std::size_t kUsualSize = std::size_t{64} << 10;
constexpr std::size_t kLeastSpace = std::size_t{4} << 10;
// So much is moved to the front at once for the sake of larger reads.
constexpr std::size_t kCheapMove = std::size_t{1} << 10;

}  // namespace

LineBuffer::LineBuffer(std::size_t max_line)
    : max_line_(max_line),
      capacity_(kUsualSize),
      bytes_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

std::span<char> LineBuffer::space() {
  const std::size_t kept = end_ - begin_;
  if (capacity_ > kUsualSize && kept <= kUsualSize / 2) {
    // What one huge line needed is not kept for ever.
    move_to(kUsualSize);
  } else if (begin_ > 0 && (kept <= kCheapMove || capacity_ - end_ < kLeastSpace)) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, kept);
    scanned_ -= begin_;
    begin_ = 0;
    end_ = kept;
  }
  if (capacity_ - end_ < kLeastSpace) {
    // The longest line, "\r\n", and room to read into: no more is ever needed for one line.
    const std::size_t longest = max_line_ + 2 + kLeastSpace;
    const std::size_t doubled = 2 * capacity_;
    move_to(end_ + kLeastSpace <= longest ? std::min(doubled, longest) : doubled);
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

void LineBuffer::move_to(std::size_t capacity) {
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(bytes.get(), bytes_.get() + begin_, end_ - begin_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
  scanned_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
}

void LineBuffer::filled(std::size_t bytes) {
  end_ += bytes;
}

std::optional<LineBuffer::Line> LineBuffer::next() {
  while (scanned_ < end_) {
    const void* found = std::memchr(bytes_.get() + scanned_, '\n', end_ - scanned_);
    if (found == nullptr) {
      scanned_ = end_;
      break;
    }
    const auto line_end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes_.get());
    const Line line = cut(line_end);
    begin_ = scanned_ = line_end + 1;
    if (!std::exchange(skipping_, false) && !line.text.empty()) return line;
  }
  if (skipping_) {
    begin_ = end_;
    return std::nullopt;
  }
  if (unfinished() <= max_line_ + 1) return std::nullopt;  // 1: a '\r'
  skipping_ = true;
  const Line line = too_long();
  begin_ = end_;
  return line;
}

std::optional<LineBuffer::Line> LineBuffer::rest() {
  const Line line = cut(end_);
  begin_ = scanned_ = end_;
  if (std::exchange(skipping_, false) || line.text.empty()) return std::nullopt;
  return line;
}

LineBuffer::Line LineBuffer::cut(std::size_t line_end) const {
  std::string_view text(bytes_.get() + begin_, line_end - begin_);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text.size() > max_line_ ? too_long() : Line{text, false};
}

LineBuffer::Line LineBuffer::too_long() const {
  return {{bytes_.get() + begin_, std::min(kShown, max_line_)}, true};
}

}  // namespace agdb

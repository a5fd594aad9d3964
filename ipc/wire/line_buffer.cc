#include "ipc/wire/line_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace agdb {
namespace {

constexpr std::size_t kUsualSize = std::size_t{64} << 10;
constexpr std::size_t kLeastSpace = std::size_t{4} << 10;
// What is shown of a line that is too long.
constexpr std::size_t kShown = 80;

}  // namespace

LineBuffer::LineBuffer(std::size_t max_line) : max_line_(max_line), bytes_(kUsualSize) {}

std::span<char> LineBuffer::space() {
  if (begin_ == end_) {
    begin_ = scanned_ = end_ = 0;
    // What one huge line needed is not kept for ever.
    if (bytes_.size() > kUsualSize) std::vector<char>(kUsualSize).swap(bytes_);
  }
  if (bytes_.size() - end_ < kLeastSpace && begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() - end_ < kLeastSpace) bytes_.resize(2 * bytes_.size());
  return {bytes_.data() + end_, bytes_.size() - end_};
}

void LineBuffer::filled(std::size_t bytes) {
  end_ += bytes;
}

std::optional<LineBuffer::Line> LineBuffer::next() {
  while (scanned_ < end_) {
    const void* found = std::memchr(bytes_.data() + scanned_, '\n', end_ - scanned_);
    if (found == nullptr) {
      scanned_ = end_;
      break;
    }
    const auto line_end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes_.data());
    const bool was_skipping = std::exchange(skipping_, false);
    const Line line = cut(line_end);
    begin_ = scanned_ = line_end + 1;
    if (!was_skipping && !line.text.empty()) return line;
  }
  const bool over = end_ - begin_ > max_line_ + 1;  // 1: a '\r'
  if (!over && !skipping_) return std::nullopt;
  const Line beginning{{bytes_.data() + begin_, std::min(kShown, end_ - begin_)}, true};
  begin_ = scanned_ = end_;
  if (std::exchange(skipping_, true)) return std::nullopt;
  return beginning;
}

LineBuffer::Line LineBuffer::cut(std::size_t line_end) {
  std::string_view text(bytes_.data() + begin_, line_end - begin_);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() > max_line_) return {text.substr(0, kShown), true};
  return {text, false};
}

}  // namespace agdb

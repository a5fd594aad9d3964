#include "debug/record/line_writer.h"

#include <algorithm>

namespace agdb {
namespace {

constexpr std::size_t kKept = 64 << 10;  // bytes of buffer

}  // namespace

AppendFile::Outcome LineWriter::write() {
  AppendFile::Outcome outcome = file_.append(std::string_view(waiting_).substr(half_line_));
  move_to_file(half_line_ + outcome.written);
  if (!outcome.status) cut_half_line();
  return outcome;
}

// The leading `bytes` of what waits are in the file: the whole lines among them wait no longer.
void LineWriter::move_to_file(std::size_t bytes) {
  const auto first_left = std::partition_point(lines_.begin(), lines_.end(),
                                               [&](const Line& line) { return line.end <= bytes; });
  const std::size_t whole = first_left == lines_.begin() ? 0 : (first_left - 1)->end;
  const std::string_view written = std::string_view(waiting_).substr(0, whole);
  hasher_.update(written);
  tell_beside(first_left, written);
  file_bytes_ += whole;
  half_line_ = bytes - whole;
  unsynced_ = unsynced_ || bytes > 0;
  waiting_.erase(0, whole);
  // What a flood took is given back when it is over.
  if (waiting_.empty() && waiting_.capacity() > kKept && whole < kKept) waiting_.shrink_to_fit();
  lines_.erase(lines_.begin(), first_left);
  for (Line& line : lines_) line.end -= whole;
}

// The lines up to `end`, which are in the file, and what is known of each.
void LineWriter::tell_beside(std::vector<Line>::const_iterator end, std::string_view text) {
  seen_.clear();
  std::size_t begin = 0;
  for (auto line = lines_.cbegin(); line != end; ++line) {
    const std::uint64_t offset = file_bytes_ + begin;
    const std::string_view whole = text.substr(begin, line->end - begin);
    if (line->has_head) {
      seen_.push_back(own_form_entry(line->head, offset, whole.size() - 1));
    } else {
      look_at_lines(offset, whole, seen_);
    }
    begin = line->end;
  }
  beside_->take(text, seen_);
}

void LineWriter::cut_half_line() {
  if (half_line_ > 0 && file_.truncate(file_bytes_)) half_line_ = 0;
}

LineWriter::Dropped LineWriter::drop() {
  cut_half_line();
  const auto events =
      std::count_if(lines_.begin(), lines_.end(), [](const Line& line) { return !line.is_own; });
  const Dropped dropped{.lines = lines_.size(), .events = static_cast<std::uint64_t>(events)};
  lines_.clear();
  waiting_.clear();
  return dropped;
}

Status LineWriter::sync() {
  AGDB_CHECK_OK(file_.sync());
  unsynced_ = false;
  return {};
}

}  // namespace agdb

#include "debug/record/event_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "debug/record/event_line.h"
#include "debug/record/file.h"
#include "debug/record/zstd_frames.h"
#include "runtime/events/json.h"

namespace agdb {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;

std::unexpected<Error> cannot(std::string_view verb, const std::string& path) {
  Error error = system_error(errno, fmt::format("{} {}", verb, path));
  error.message = "cannot read events: " + error.message;
  return std::unexpected(std::move(error));
}

Result<std::uint64_t> size_of(int fd, const std::string& path) {
  struct stat info = {};
  if (::fstat(fd, &info) < 0) return cannot("look at", path);
  return static_cast<std::uint64_t>(info.st_size);
}

// Up to `length` bytes; fewer where the file ends or cannot be read: then errno tells.
std::size_t read_up_to(int fd, std::uint64_t offset, char* out, std::size_t length) {
  std::size_t done = 0;
  errno = 0;
  while (done < length) {
    const ssize_t count = ::pread(fd, out + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) {
      errno = 0;
      continue;
    }
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Status read_at(int fd, const std::string& path, std::uint64_t offset, std::size_t length,
               std::string& out) {
  // Not filled with zeros first. What g++ 12 passes as the size may be the whole capacity.
  out.resize_and_overwrite(
      length, [&](char* to, std::size_t) { return read_up_to(fd, offset, to, length); });
  if (out.size() == length) return {};
  if (errno != 0) return cannot("read", path);
  return fail(Code::kCorrupt,
              fmt::format("{} has become shorter: it ends at byte {}, {} bytes were wanted at {}",
                          path, offset + out.size(), length, offset));
}

}  // namespace

Result<EventText> EventText::open(const std::string& folder) {
  const std::string path = fmt::format("{}/{}", folder, kEventsFile);
  Result<EventText> text = open_plain(path);
  if (text || text.error().code != Code::kNotFound) return text;
  Result<EventText> packed = open_compressed(fmt::format("{}/{}", folder, kCompressedFile));
  if (packed || packed.error().code != Code::kNotFound) return packed;
  // It may have been decompressed between the two looks.
  return open_plain(path);
}

Result<EventText> EventText::open_plain(std::string path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot("open", path);
  return EventText(std::move(path), fd, nullptr);
}

Result<EventText> EventText::open_compressed(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot("open", path);
  EventText text(path, fd, nullptr);
  AGDB_TRY(const std::uint64_t size, size_of(fd, path));
  const auto read = [fd, path](std::uint64_t offset, std::size_t length, std::string& out) {
    return read_at(fd, path, offset, length, out);
  };
  AGDB_TRY(FrameReader frames, FrameReader::open({.name = path, .size = size, .read = read}));
  text.frames_ = std::make_unique<FrameReader>(std::move(frames));
  return text;
}

EventText::EventText(std::string path, int fd, std::unique_ptr<FrameReader> frames)
    : path_(std::move(path)), fd_(fd), frames_(std::move(frames)) {}

EventText::EventText(EventText&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      frames_(std::move(other.frames_)) {}

EventText& EventText::operator=(EventText&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(frames_, other.frames_);
  return *this;
}

EventText::~EventText() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::uint64_t> EventText::size() const {
  if (frames_ != nullptr) return frames_->text_size();
  return size_of(fd_, path_);
}

Status EventText::read(std::uint64_t offset, std::size_t length, std::string& out) const {
  if (frames_ != nullptr) return frames_->read(offset, length, out);
  return read_at(fd_, path_, offset, length, out);
}

std::uint64_t EventText::pieces() const {
  return frames_ != nullptr ? frames_->frames() : 1;
}

Result<std::uint64_t> EventText::piece_end(std::uint64_t offset) const {
  if (frames_ != nullptr) return frames_->frame_end(offset);
  return size();
}

bool EventText::has_writer() const {
  if (::flock(fd_, LOCK_SH | LOCK_NB) < 0) return errno == EWOULDBLOCK;
  ::flock(fd_, LOCK_UN);
  return false;
}

bool has_writer(const std::string& folder) {
  const Result<EventText> text = EventText::open(folder);
  return text && text->has_writer();
}

LineScanner::LineScanner(const EventText& text, std::uint64_t offset, std::uint64_t first_number,
                         std::uint64_t end)
    : text_(text), end_(end), buffer_offset_(offset), next_number_(first_number) {}

// Throws away what is behind us and reads a further piece: of one frame, so that a damaged one
// takes nothing else with it.
Status LineScanner::refill() {
  buffer_.erase(0, at_);
  buffer_offset_ += at_;
  at_ = 0;
  const std::uint64_t from = buffer_offset_ + buffer_.size();
  std::uint64_t length = std::min<std::uint64_t>(kPieceBytes, end_ - from);
  if (text_.compressed()) {
    AGDB_TRY(const std::uint64_t end, text_.piece_end(from));
    length = std::min(length, end - from);
  }
  std::string piece;
  AGDB_CHECK_OK(text_.read(from, length, piece));
  buffer_ += piece;
  return {};
}

// Makes the frame that could not be read, with the beginning of a line that runs into it, the
// current line. The text goes on behind the frame, where a line begins but for one that is longer
// than a frame.
Result<bool> LineScanner::pass_damage(Error error) {
  if (error.code != Code::kCorrupt || !text_.compressed()) return std::unexpected(std::move(error));
  AGDB_TRY(const std::uint64_t frame_end, text_.piece_end(buffer_offset_ + buffer_.size()));
  const std::uint64_t end = std::min(frame_end, end_);
  line_.unreadable = std::move(error.message);
  line_.length = end - line_.offset;
  line_.end = end;
  line_.terminated = true;
  line_.too_long = false;
  buffer_.clear();
  buffer_offset_ = end;
  at_ = 0;
  ++next_number_;
  return true;
}

Result<bool> LineScanner::next() {
  line_ = {.text = {}, .number = next_number_, .offset = buffer_offset_ + at_};
  std::size_t searched = 0;   // bytes of the line without a line feed in them
  std::uint64_t dropped = 0;  // bytes of a line too long to keep
  while (true) {
    const std::size_t feed = buffer_.find('\n', at_ + searched);
    const bool found = feed != std::string::npos;
    searched = (found ? feed : buffer_.size()) - at_;
    if (dropped + searched > kMaxLineBytes) line_.too_long = true;
    if (found || buffer_offset_ + buffer_.size() == end_) {
      line_.terminated = found;
      break;
    }
    if (line_.too_long) {
      dropped += searched;
      at_ += searched;
      searched = 0;
    }
    if (Status status = refill(); !status) return pass_damage(std::move(status).error());
  }
  line_.length = dropped + searched;
  if (!line_.terminated && line_.length == 0) return false;
  if (!line_.too_long) line_.text = std::string_view(buffer_).substr(at_, searched);
  if (line_.text.ends_with('\r') && line_.terminated) {
    line_.text.remove_suffix(1);
    --line_.length;
  }
  line_.blank = !line_.too_long && line_.text.find_first_not_of(" \t\r") == std::string::npos;
  at_ += searched + (line_.terminated ? 1 : 0);
  line_.end = buffer_offset_ + at_;
  ++next_number_;
  return true;
}

bool is_whole(const LineScanner::Line& line) {
  if (line.blank) return true;
  const Result<Json> json = parse_json(line.text);
  return json && json->is_object();
}

}  // namespace agdb

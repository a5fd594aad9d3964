#include "debug/trace/span_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "debug/record/event_line.h"
#include "debug/record/record_id.h"
#include "debug/trace/span_line.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxBadLines = 100;
constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::size_t kPadding = 64;  // bytes behind a line that a parser may look at

// The lines of a file, in pieces: at most one line and a piece are in memory.
class LineScan {
 public:
  enum class Found { kLine, kTooLong, kEnd };

  explicit LineScan(int fd) : fd_(fd) {}

  // An error is the errno value of reading.
  Result<Found> next(std::string_view& line, std::size_t& readable) {
    for (std::size_t looked = 0;;) {
      const char* const begin = text_.data() + at_;
      const void* const end = std::memchr(begin + looked, '\n', size_ - at_ - looked);
      if (end != nullptr || (at_end_ && at_ < size_)) {
        const std::size_t length =
            end == nullptr ? size_ - at_
                           : static_cast<std::size_t>(static_cast<const char*>(end) - begin);
        at_ += length + (end == nullptr ? 0 : 1);
        line = std::string_view(begin, length);
        readable = length + kPadding;
        const bool too_long = std::exchange(skipping_, false) || length > kMaxLineBytes;
        return too_long ? Found::kTooLong : Found::kLine;
      }
      if (at_end_) return std::exchange(skipping_, false) ? Found::kTooLong : Found::kEnd;
      looked = size_ - at_;
      if (looked > kMaxLineBytes) {
        skipping_ = true;
        at_ = size_;
        looked = 0;
      }
      AGDB_CHECK_OK(fill());
    }
  }

 private:
  Status fill() {
    std::memmove(text_.data(), text_.data() + at_, size_ - at_);
    size_ -= at_;
    at_ = 0;
    // Twice the size each time: a long line is searched and moved a bounded number of times.
    if (text_.size() < size_ + kPiece + kPadding) text_.resize(2 * size_ + kPiece + kPadding);
    ssize_t got = 0;
    do {
      got = ::read(fd_, text_.data() + size_, text_.size() - kPadding - size_);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return std::unexpected(system_error(errno, "read it"));
    at_end_ = got == 0;
    size_ += static_cast<std::size_t>(got);
    return {};
  }

  int fd_;
  std::string text_ = std::string(kPiece + kPadding, '\0');
  std::size_t at_ = 0;    // of the next line
  std::size_t size_ = 0;  // of what was read
  bool at_end_ = false;
  bool skipping_ = false;  // the line's beginning was given up
};

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void note_bad_line(SpanFileTally& tally, std::uint64_t line, std::string why) {
  if (tally.bad_lines++ < kMaxBadLines) tally.bad.push_back({line, std::move(why)});
}

}  // namespace

Status check_trace_id(std::string_view id) {
  if (check_record_id(id)) return {};
  return fail(Code::kInvalid, fmt::format("\"{}\" is no trace id", truncate(to_utf8(id), 100)),
              "an id has letters, digits, '.', '_' and '-' and does not begin with a dot; "
              "`agdb trace list` shows them");
}

std::string span_file_path(std::string_view traces_dir, std::string_view trace_id) {
  return fmt::format("{}/{}/spans.jsonl", traces_dir, trace_id);
}

SpanFileWriter::SpanFileWriter(FileSystem& files, std::string traces_dir)
    : files_(files), traces_dir_(std::move(traces_dir)) {}

SpanFileWriter::~SpanFileWriter() {
  close();
}

Status SpanFileWriter::open(std::string_view trace_id) {
  if (fd_ >= 0 && trace_id == trace_id_) return {};
  AGDB_CHECK_OK(check_trace_id(trace_id));
  close();
  AGDB_CHECK_OK(make_dirs(files_, fmt::format("{}/{}", traces_dir_, trace_id)));
  const std::string path = span_file_path(traces_dir_, trace_id);
  const int fd = files_.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return std::unexpected(system_error(-fd, fmt::format("open {}", path)));
  fd_ = fd;
  trace_id_ = trace_id;
  torn_ = false;
  return {};
}

void SpanFileWriter::close() {
  if (fd_ >= 0) files_.close(std::exchange(fd_, -1));
}

Status SpanFileWriter::append(const Span& span) {
  AGDB_CHECK_OK(open(span.trace_id));
  line_.clear();
  if (torn_) line_ += '\n';
  append_span_line(line_, span);
  if (line_.size() > kMaxLineBytes) {
    return fail(Code::kInvalid,
                fmt::format("span {} has more than {} bytes", span.span_id, kMaxLineBytes));
  }
  std::int64_t written = 0;
  do {
    written = files_.write(fd_, line_);
  } while (written == -EINTR);
  if (written == static_cast<std::int64_t>(line_.size())) {
    torn_ = false;
    return {};
  }
  torn_ = torn_ || written > 0;
  // A short write tells no reason; what makes one on a file is a disk without space.
  const int error = written < 0 ? static_cast<int>(-written) : ENOSPC;
  return std::unexpected(
      system_error(error, fmt::format("write {}", span_file_path(traces_dir_, trace_id_))));
}

void SpanFileWriter::on_span(const Span& span) {
  Status status = append(span);
  if (status) return;
  if (lost_++ == 0) failure_ = std::move(status);
}

namespace {

// Goes over the lines of a trace's file. `next_span` gives the place for the span of a line;
// `forget` takes back the last one, which could not be read.
template <typename NextSpan, typename Forget>
Result<SpanFileTally> each_span(const std::string& traces_dir, std::string_view trace_id,
                                NextSpan next_span, Forget forget) {
  AGDB_CHECK_OK(check_trace_id(trace_id));
  SpanFileTally tally;
  const std::string path = span_file_path(traces_dir, trace_id);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return tally;
  if (file.get() < 0) return std::unexpected(system_error(errno, fmt::format("open {}", path)));
  LineScan lines(file.get());
  SpanLineReader reader;
  std::string_view line;
  std::size_t readable = 0;
  for (std::uint64_t number = 1;; ++number) {
    const Result<LineScan::Found> found = lines.next(line, readable);
    if (!found) return fail(found.error().code, fmt::format("{}: {}", path, found.error().message));
    if (*found == LineScan::Found::kEnd) return tally;
    if (*found == LineScan::Found::kTooLong) {
      note_bad_line(tally, number, fmt::format("longer than {} bytes", kMaxLineBytes));
      continue;
    }
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Status read = reader.read(line, readable, next_span());
    if (!read) {
      forget();
      note_bad_line(tally, number, read.error().message);
      continue;
    }
    ++tally.spans;
  }
}

// More room than for the spans of lines of usual size is made only when it is needed.
constexpr std::size_t kUsualLine = 256;
constexpr std::size_t kMaxReserved = std::size_t{1} << 20;

std::size_t likely_spans(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  return error ? 0 : std::min<std::uintmax_t>(size / kUsualLine, kMaxReserved);
}

}  // namespace

Result<SpanFileTally> scan_spans(const std::string& traces_dir, std::string_view trace_id,
                                 const std::function<void(const Span&)>& take) {
  Span span;
  bool pending = false;
  const auto hand_over = [&] {
    if (std::exchange(pending, false)) take(span);
  };
  AGDB_TRY(SpanFileTally tally, each_span(
                                    traces_dir, trace_id,
                                    [&]() -> Span& {
                                      hand_over();
                                      pending = true;
                                      span = Span();
                                      return span;
                                    },
                                    [&] { pending = false; }));
  hand_over();
  return tally;
}

Result<SpanFileContent> read_spans(const std::string& traces_dir, std::string_view trace_id) {
  AGDB_CHECK_OK(check_trace_id(trace_id));
  SpanFileContent content;
  content.spans.reserve(likely_spans(span_file_path(traces_dir, trace_id)));
  AGDB_TRY(SpanFileTally tally,
           each_span(
               traces_dir, trace_id, [&]() -> Span& { return content.spans.emplace_back(); },
               [&] { content.spans.pop_back(); }));
  content.bad_lines = tally.bad_lines;
  content.bad = std::move(tally.bad);
  return content;
}

}  // namespace agdb

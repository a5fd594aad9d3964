#include "debug/record/recovery.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "debug/record/event_index.h"
#include "debug/record/event_line.h"
#include "debug/record/event_text.h"
#include "debug/record/sidecars.h"

namespace agdb {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;
constexpr std::size_t kMaxSumsBytes = std::size_t{1} << 30;  // of 8 TiB of text

// A file that is open through the seam.
class SeamFile {
 public:
  static Result<SeamFile> open(FileSystem& files, std::string path, int flags) {
    const int fd = files.open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) return std::unexpected(system_error(-fd, "open " + path));
    return SeamFile(files, std::move(path), fd);
  }
  SeamFile(SeamFile&& other) noexcept
      : files_(other.files_), path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  SeamFile& operator=(SeamFile&&) = delete;
  ~SeamFile() {
    if (fd_ >= 0) files_->close(fd_);
  }

  Status lock() { return status(files_->lock(fd_), "lock"); }
  Status truncate(std::uint64_t size) { return status(files_->truncate(fd_, size), "shorten"); }
  Status sync() { return status(files_->sync(fd_), "flush"); }
  Status append(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::int64_t count = files_->write(fd_, bytes);
      if (count == -EINTR) continue;
      if (count <= 0) return status(count < 0 ? static_cast<int>(count) : -EIO, "write");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

 private:
  SeamFile(FileSystem& files, std::string path, int fd)
      : files_(&files), path_(std::move(path)), fd_(fd) {}
  Status status(int returned, std::string_view verb) const {
    if (returned >= 0) return {};
    return std::unexpected(system_error(-returned, fmt::format("{} {}", verb, path_)));
  }

  FileSystem* files_;
  std::string path_;
  int fd_;
};

class Recovery {
 public:
  Recovery(FileSystem& files, std::string folder, RecordingMetadata metadata, SeamFile& events,
           EventText text)
      : files_(files),
        folder_(std::move(folder)),
        metadata_(std::move(metadata)),
        events_(events),
        text_(std::move(text)) {}

  Result<RecoveryReport> run() {
    AGDB_TRY(EventIndex index, open_index());
    if (index.torn_tail()) {
      AGDB_CHECK_OK(cut(*index.torn_tail()));
      AGDB_TRY(index, open_index());
    }
    AGDB_TRY(const bool has_end, end_last_line());
    if (!has_end) {
      AGDB_TRY(index, open_index());
    }
    AGDB_TRY(report_.bytes, text_.size());
    report_.events = index.size();
    report_.recovered = true;
    AGDB_CHECK_OK(complete_sums());
    // An index that cannot be kept is made again by whoever opens the recording.
    if (index.is_newer_than_file()) static_cast<void>(index.save(text_));
    AGDB_CHECK_OK(count_lost(index));
    AGDB_CHECK_OK(end_metadata(index));
    write_notes();
    return std::move(report_);
  }

 private:
  Result<EventIndex> open_index() {
    return EventIndex::open(text_,
                            {.folder = folder_,
                             .record_id = metadata_.record_id,
                             .format_version = metadata_.format_version},
                            false);
  }

  // The bytes are safe in the other file before they go from this one.
  Status cut(const TornTail& torn) {
    AGDB_TRY(SeamFile kept,
             SeamFile::open(files_, folder_ + "/events.torn", O_WRONLY | O_CREAT | O_APPEND));
    std::string piece;
    for (std::uint64_t at = 0; at < torn.length; at += piece.size()) {
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, torn.length - at));
      AGDB_CHECK_OK(text_.read(torn.offset + at, want, piece));
      AGDB_CHECK_OK(kept.append(piece));
    }
    AGDB_CHECK_OK(kept.sync());
    report_.torn_bytes = torn.length;
    return events_.truncate(torn.offset);
  }

  // A complete event that lacks nothing but its line's end gets it. False: it did.
  Result<bool> end_last_line() {
    AGDB_TRY(const std::uint64_t size, text_.size());
    std::string last;
    if (size == 0) return true;
    AGDB_CHECK_OK(text_.read(size - 1, 1, last));
    if (last == "\n") return true;
    AGDB_CHECK_OK(events_.append("\n"));
    return false;
  }

  // Sums that the writer wrote stay as they are; they are the evidence.
  Status complete_sums() {
    const std::string path = folder_ + "/events.sum";
    AGDB_TRY(SeamFile file, SeamFile::open(files_, path, O_WRONLY | O_CREAT | O_APPEND));
    AGDB_TRY(std::string sums, read_file(path, kMaxSumsBytes));
    const std::uint64_t whole =
        std::min<std::uint64_t>(sums.size() / 8, report_.bytes / kSumBlockBytes);
    if (sums.size() != whole * 8) AGDB_CHECK_OK(file.truncate(whole * 8));
    sums.resize(static_cast<std::size_t>(whole * 8));
    BlockSums blocks;
    Hasher128 content;
    std::string added;
    std::string piece;
    const std::uint64_t from = whole * kSumBlockBytes;
    for (std::uint64_t at = 0; at < report_.bytes; at += piece.size()) {
      const std::uint64_t end = at < from ? from : report_.bytes;
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, end - at));
      AGDB_CHECK_OK(text_.read(at, want, piece));
      content.update(piece);
      if (at >= from) blocks.take(piece, added);
    }
    blocks.finish(added);
    AGDB_CHECK_OK(file.append(added));
    report_.summed_bytes = report_.bytes - from;
    metadata_.content_hash = content.digest().hex();
    metadata_.sums_hash = xxh3_128(sums + added).hex();
    return {};
  }

  Status count_lost(const EventIndex& index) {
    std::uint64_t lost = 0;
    for (auto gap = index.gap_before(index.size()); gap; gap = index.gap_before(*gap)) {
      const EventEntry entry = index.entry(*gap);
      std::string line;
      AGDB_CHECK_OK(text_.read(entry.offset, entry.length, line));
      const Result<RecordedEvent> event = parse_line(line);
      const Gap* const told = event ? std::get_if<Gap>(&event->payload) : nullptr;
      if (told != nullptr && __builtin_add_overflow(lost, told->lost_events, &lost)) break;
    }
    metadata_.lost_events = std::max(metadata_.lost_events, lost);
    return {};
  }

  Status end_metadata(const EventIndex& index) {
    metadata_.status = kStatusInterrupted;
    metadata_.event_count = report_.events;
    // Timestamps count from the process's start, which a late recording's is not.
    const std::optional<WallTime> zero =
        metadata_.process_start_time ? metadata_.process_start_time : metadata_.start_time;
    if (report_.events > 0 && zero) {
      const Nanoseconds last = index.entry(report_.events - 1).timestamp;
      std::int64_t end = 0;
      if (!__builtin_add_overflow(zero->time_since_epoch().count(), last.count(), &end))
        metadata_.end_time = WallTime(Nanoseconds(end));
    }
    AGDB_CHECK_OK(events_.sync());
    return write_metadata(files_, folder_, metadata_, Persist::kContentAndName);
  }

  void write_notes() {
    report_.notes.push_back(fmt::format("its writer died; {} events ({} bytes) were recovered",
                                        report_.events, report_.bytes));
    if (report_.torn_bytes > 0) {
      report_.notes.push_back(fmt::format(
          "{} bytes at its end were no whole line and are now in events.torn", report_.torn_bytes));
    }
  }

  FileSystem& files_;
  const std::string folder_;
  RecordingMetadata metadata_;
  SeamFile& events_;
  const EventText text_;
  RecoveryReport report_;
};

}  // namespace

Result<RecoveryReport> recover_recording(FileSystem& files, const std::string& folder) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  if (metadata.status != kStatusRecording) return RecoveryReport();
  if (metadata.format_version < 2) {
    return fail(Code::kUnsupported,
                fmt::format("{} was written by another program (version 1)", folder),
                "it is read as it is; nothing needs to be done");
  }
  AGDB_TRY(SeamFile events,
           SeamFile::open(files, fmt::format("{}/{}", folder, kEventsFile), O_RDWR | O_APPEND));
  if (Status locked = events.lock(); !locked) {
    return fail(Code::kInvalid, fmt::format("recording {} is being written", folder),
                "stop it first (agdb record stop PID)");
  }
  // Its end may have come, or somebody else's recovery, before the lock was ours.
  AGDB_TRY(metadata, read_metadata(folder));
  if (metadata.status != kStatusRecording) return RecoveryReport();
  AGDB_TRY(EventText text, EventText::open_plain(fmt::format("{}/{}", folder, kEventsFile)));
  return Recovery(files, folder, std::move(metadata), events, std::move(text)).run();
}

}  // namespace agdb

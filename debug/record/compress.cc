#include "debug/record/compress.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "debug/record/event_text.h"
#include "debug/record/metadata.h"
#include "debug/record/zstd_frames.h"
#include "runtime/events/hash.h"

namespace agdb {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

Status status_of(int returned, std::string_view verb, const std::string& path) {
  if (returned >= 0) return {};
  return std::unexpected(system_error(-returned, fmt::format("{} {}", verb, path)));
}

// A file of the recording, with the lock that keeps recorders, recovery, removal and other
// compressors away.
class LockedFile {
 public:
  // Nothing where there is no such file.
  static Result<std::optional<LockedFile>> open(FileSystem& files, const std::string& path) {
    const int fd = files.open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd == -ENOENT) return std::nullopt;
    AGDB_CHECK_OK(status_of(fd, "open", path));
    LockedFile file(files, fd);
    const int locked = files.lock(fd);
    struct stat info = {};
    // Who held the lock until now may have removed the file.
    if (locked == -EWOULDBLOCK || (locked >= 0 && ::fstat(fd, &info) == 0 && info.st_nlink == 0)) {
      return fail(Code::kUnavailable, fmt::format("{} is being worked on by somebody else", path),
                  "try again when that is done");
    }
    AGDB_CHECK_OK(status_of(locked, "lock", path));
    file.modified_ = info.st_mtim;
    return file;
  }
  LockedFile(LockedFile&& other) noexcept
      : files_(other.files_), fd_(std::exchange(other.fd_, -1)), modified_(other.modified_) {}
  LockedFile& operator=(LockedFile&&) = delete;
  ~LockedFile() {
    if (fd_ >= 0) files_->close(fd_);
  }

  const timespec& modified() const { return modified_; }

 private:
  LockedFile(FileSystem& files, int fd) : files_(&files), fd_(fd) {}
  FileSystem* files_;
  int fd_;
  timespec modified_ = {};
};

// The new form of a text on its way: written beside the old one, checked, put in its place.
class Replacement {
 public:
  Replacement(FileSystem& files, const std::string& folder, std::string_view from,
              std::string_view to, const CompressProgress& progress)
      : files_(files),
        folder_(folder),
        from_(fmt::format("{}/{}", folder, from)),
        to_(fmt::format("{}/{}", folder, to)),
        temporary_(to_ + ".tmp"),
        progress_(progress) {}

  // `write` makes the new file of the old text, which `old` holds; `read` opens the new text.
  template <typename Write, typename Read>
  Status run(const EventText& old, const std::string& expected_hash, const timespec& modified,
             Write write, Read read) {
    Status status = make(old, expected_hash, modified, write, read);
    if (!status) files_.remove(temporary_);
    return status;
  }

 private:
  template <typename Write, typename Read>
  Status make(const EventText& old, const std::string& expected_hash, const timespec& modified,
              Write write, Read read) {
    AGDB_TRY(size_, old.size());
    files_.remove(temporary_);  // what somebody left who died
    AGDB_TRY(AppendFile file, AppendFile::create(files_, temporary_));
    AGDB_TRY(const std::string hash, walk(old, [&](std::string_view piece) -> Status {
               return write(file, piece, false);
             }));
    AGDB_CHECK_OK(write(file, {}, true));
    if (!expected_hash.empty() && hash != expected_hash) {
      return fail(Code::kCorrupt,
                  fmt::format("the events in {} are damaged: their hash is {}, the metadata's {}",
                              from_, hash, expected_hash),
                  "`agdb verify` tells where");
    }
    AGDB_CHECK_OK(file.sync());
    AGDB_CHECK_OK(file.close());
    AGDB_CHECK_OK(check(read, hash));
    AGDB_CHECK_OK(take_over_time(modified));

    AGDB_CHECK_OK(status_of(files_.rename(temporary_, to_), "replace", to_));
    AGDB_CHECK_OK(sync_folder(files_, folder_));
    AGDB_CHECK_OK(status_of(files_.remove(from_), "remove", from_));
    return sync_folder(files_, folder_);
  }

  // The whole text, piece by piece; its hash.
  template <typename Use>
  Result<std::string> walk(const EventText& text, Use use) {
    Hasher128 hasher;
    std::string piece;
    for (std::uint64_t at = 0; at < size_; at += piece.size()) {
      AGDB_CHECK_OK(text.read(at, std::min<std::uint64_t>(kPieceBytes, size_ - at), piece));
      hasher.update(piece);
      AGDB_CHECK_OK(use(piece));
      done_ += piece.size();
      if (progress_) progress_(done_, 2 * size_);
    }
    AGDB_TRY(const std::uint64_t now, text.size());
    if (now != size_) {
      return fail(Code::kUnavailable,
                  fmt::format("{} was changed meanwhile: it has {} bytes, and had {}", text.path(),
                              now, size_));
    }
    return hasher.digest().hex();
  }

  template <typename Read>
  Status check(Read read, const std::string& hash) {
    forget_pages();
    AGDB_TRY(const EventText text, read(temporary_));
    AGDB_TRY(const std::string again, walk(text, [](std::string_view) -> Status { return {}; }));
    if (again == hash) return {};
    return fail(Code::kIo,
                fmt::format("{} did not come back from the disk as it was written", temporary_),
                "the recording was left as it is; check the disk");
  }

  // So that what is read back comes from the disk, where the system lets it.
  void forget_pages() {
    const int fd = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }

  // The text is as old as it was.
  Status take_over_time(const timespec& modified) {
    const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, modified};
    const int set = ::utimensat(AT_FDCWD, temporary_.c_str(), times, 0);
    return status_of(set < 0 ? -errno : 0, "set the time of", temporary_);
  }

  FileSystem& files_;
  const std::string folder_;
  const std::string from_;
  const std::string to_;
  const std::string temporary_;
  const CompressProgress& progress_;
  std::uint64_t size_ = 0;
  std::uint64_t done_ = 0;
};

// The two sizes of a compressed recording.
Result<CompressReport> report_of(const std::string& folder, bool already) {
  const std::string path = fmt::format("{}/{}", folder, kCompressedFile);
  AGDB_TRY(const EventText text, EventText::open_compressed(path));
  AGDB_TRY(const std::uint64_t size, text.size());
  struct stat info = {};
  AGDB_CHECK_OK(status_of(::stat(path.c_str(), &info) < 0 ? -errno : 0, "look at", path));
  return CompressReport{.text_bytes = size,
                        .compressed_bytes = static_cast<std::uint64_t>(info.st_size),
                        .frames = text.pieces(),
                        .already = already};
}

Status check_finished(const RecordingMetadata& metadata, const std::string& folder, bool writer) {
  if (metadata.status != kStatusRecording) return {};
  if (writer) {
    return fail(Code::kInvalid, fmt::format("recording {} is being written", folder),
                "stop it first (agdb record stop PID)");
  }
  return fail(Code::kInvalid, fmt::format("the writer of recording {} died", folder),
              "recover it first (agdb record recover)");
}

}  // namespace

double CompressReport::ratio() const {
  if (text_bytes == 0 || compressed_bytes == 0) return 1;
  return static_cast<double>(text_bytes) / static_cast<double>(compressed_bytes);
}

Result<CompressReport> compress_recording(FileSystem& files, const std::string& folder,
                                          const CompressProgress& progress) {
  const std::string plain = fmt::format("{}/{}", folder, kEventsFile);
  const std::string compressed = fmt::format("{}/{}", folder, kCompressedFile);
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  Result<std::optional<LockedFile>> locked = LockedFile::open(files, plain);
  if (!locked && locked.error().code == Code::kUnavailable)
    AGDB_CHECK_OK(check_finished(metadata, folder, true));
  if (!locked) return std::unexpected(std::move(locked).error());
  if (!*locked) return report_of(folder, true);
  // Under the lock it is the last word: a recorder keeps the lock until it has written it.
  AGDB_TRY(metadata, read_metadata(folder));
  AGDB_CHECK_OK(check_finished(metadata, folder, false));

  if (const int removed = files.remove(compressed); removed != -ENOENT)
    AGDB_CHECK_OK(status_of(removed, "remove", compressed));
  AGDB_TRY(const EventText text, EventText::open(folder));
  std::optional<FrameWriter> frames;
  const auto write = [&frames](AppendFile& file, std::string_view piece, bool last) {
    if (!frames)
      frames.emplace([&file](std::string_view bytes) { return file.append(bytes).status; });
    return last ? frames->finish() : frames->append(piece);
  };
  AGDB_CHECK_OK(Replacement(files, folder, kEventsFile, kCompressedFile, progress)
                    .run(text, metadata.content_hash, (*locked)->modified(), write,
                         &EventText::open_compressed));
  return report_of(folder, false);
}

Result<CompressReport> decompress_recording(FileSystem& files, const std::string& folder,
                                            const CompressProgress& progress) {
  const std::string plain = fmt::format("{}/{}", folder, kEventsFile);
  const std::string compressed = fmt::format("{}/{}", folder, kCompressedFile);
  AGDB_TRY(const RecordingMetadata metadata, read_metadata(folder));
  AGDB_TRY(const std::optional<LockedFile> locked, LockedFile::open(files, compressed));
  // A compressor that has put its file in place, and is about to remove this one, holds its lock.
  AGDB_TRY(const std::optional<LockedFile> stays, LockedFile::open(files, plain));
  if (stays) {
    AGDB_TRY(const EventText text, EventText::open(folder));
    AGDB_TRY(const std::uint64_t size, text.size());
    if (locked) AGDB_CHECK_OK(status_of(files.remove(compressed), "remove", compressed));
    return CompressReport{.text_bytes = size, .already = true};
  }
  AGDB_TRY(CompressReport report, report_of(folder, false));
  if (!locked) return report;
  AGDB_TRY(const EventText text, EventText::open_compressed(compressed));
  const auto write = [](AppendFile& file, std::string_view piece, bool) {
    return file.append(piece).status;
  };
  const auto read = [](const std::string& path) { return EventText::open_plain(path); };
  AGDB_CHECK_OK(Replacement(files, folder, kCompressedFile, kEventsFile, progress)
                    .run(text, metadata.content_hash, locked->modified(), write, read));
  return report;
}

}  // namespace agdb

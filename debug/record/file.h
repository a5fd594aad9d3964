#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// The system calls that change files, as a seam: tests replace single ones to make disks full,
// calls interrupted, writes short. Each does what its system call does and gives a negative errno
// value when it fails. No state of its own; any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual int open(const std::string& path, int flags, unsigned mode);
  virtual std::int64_t write(int fd, std::string_view bytes);
  virtual int sync(int fd);  // fdatasync; fsync for folders
  virtual int truncate(int fd, std::uint64_t size);
  virtual int close(int fd);
  virtual int rename(const std::string& from, const std::string& to);
  virtual int make_dir(const std::string& path, unsigned mode);
  virtual int remove(const std::string& path);
  virtual int remove_dir(const std::string& path);
  // Takes the exclusive advisory lock (flock) without waiting.
  virtual int lock(int fd);
};

// What `error`, an errno value, means for somebody who tried `what` ("write /a/b"): its code, the
// text "cannot <what>: <why>" and a hint.
Error system_error(int error, std::string_view what);

// A new file that grows at its end, locked against a second writer. Closed when it goes away.
class AppendFile {
 public:
  // Fails when the file exists. Mode 0600. `files` outlives the result.
  static Result<AppendFile> create(FileSystem& files, std::string path);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;
  ~AppendFile();

  // How many of the bytes are in the file, and why not all, if so.
  struct Outcome {
    std::size_t written = 0;
    Status status;
    int error = 0;  // the errno value behind the status
  };
  // Goes on after interruptions and short writes.
  Outcome append(std::string_view bytes);
  Status truncate(std::uint64_t size);
  // What was written survives a power cut once this has returned.
  Status sync();
  // Also gives up the lock. Later calls fail.
  Status close();

 private:
  AppendFile(FileSystem& files, std::string path, int fd);
  FileSystem* files_;
  std::string path_;
  int fd_;
};

// What a power cut may do to a file that was replaced just before. Each flush takes some
// milliseconds on a disk.
enum class Persist {
  kNothing,         // anything, an empty file included
  kContent,         // undo the replacement; the file is whole in any case
  kContentAndName,  // nothing
};

// Puts a file with that text in place of what is at `path`: readers, and whoever looks after the
// program was killed, see the old or the new text as a whole. Mode 0600.
Status replace_file(FileSystem& files, const std::string& path, std::string_view text,
                    Persist persist);

// Makes what was renamed or removed in a folder survive a power cut.
Status sync_folder(FileSystem& files, const std::string& folder);

// Makes a folder and those above it that are missing, mode 0700. No error when it is there.
Status make_dirs(FileSystem& files, const std::string& path);

// The text of a file of at most `limit` bytes.
Result<std::string> read_file(const std::string& path, std::size_t limit);

}  // namespace agdb

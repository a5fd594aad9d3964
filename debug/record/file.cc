#include "debug/record/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace agdb {
namespace {

constexpr unsigned kFileMode = 0600;
constexpr unsigned kFolderMode = 0700;

int result_of(int returned) {
  return returned < 0 ? -errno : returned;
}

Code code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Code::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kPermission;
    case EINVAL:
    case ENAMETOOLONG:
    case EEXIST:
      return Code::kInvalid;
    default:
      return Code::kIo;
  }
}

std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space, or choose another place with --records DIR";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check the permissions, or choose another place with --records DIR";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return {};
  }
}

Status status_of(int returned, std::string_view verb, std::string_view path) {
  if (returned >= 0) return {};
  return std::unexpected(system_error(-returned, fmt::format("{} {}", verb, path)));
}

// The writes of one text, over interruptions and short writes.
AppendFile::Outcome write_all(FileSystem& files, int fd, std::string_view path,
                              std::string_view bytes) {
  AppendFile::Outcome outcome;
  while (outcome.written < bytes.size()) {
    const std::int64_t count = files.write(fd, bytes.substr(outcome.written));
    if (count == -EINTR) continue;
    if (count <= 0) {
      // A write of nothing without an error would be tried for ever.
      outcome.error = count < 0 ? static_cast<int>(-count) : EIO;
      outcome.status = status_of(-outcome.error, "write", path);
      break;
    }
    outcome.written += static_cast<std::size_t>(count);
  }
  return outcome;
}

template <typename Call>
int retried(Call call) {
  int returned = call();
  while (returned == -EINTR) returned = call();
  return returned;
}

Status write_new_file(FileSystem& files, const std::string& path, std::string_view text,
                      Persist persist) {
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  const int fd = retried([&] { return files.open(path, flags, kFileMode); });
  AGDB_CHECK_OK(status_of(fd, "create", path));
  Status status = write_all(files, fd, path, text).status;
  if (status && persist != Persist::kNothing)
    status = status_of(retried([&] { return files.sync(fd); }), "flush", path);
  const int closed = files.close(fd);
  if (status && closed != -EINTR) status = status_of(closed, "close", path);
  return status;
}

}  // namespace

int FileSystem::open(const std::string& path, int flags, unsigned mode) {
  return result_of(::open(path.c_str(), flags, mode));
}

std::int64_t FileSystem::write(int fd, std::string_view bytes) {
  const ssize_t count = ::write(fd, bytes.data(), bytes.size());
  return count < 0 ? -errno : count;
}

int FileSystem::sync(int fd) {
  return result_of(::fdatasync(fd));
}

int FileSystem::truncate(int fd, std::uint64_t size) {
  return result_of(::ftruncate(fd, static_cast<off_t>(size)));
}

int FileSystem::close(int fd) {
  return result_of(::close(fd));
}

int FileSystem::rename(const std::string& from, const std::string& to) {
  return result_of(::rename(from.c_str(), to.c_str()));
}

int FileSystem::make_dir(const std::string& path, unsigned mode) {
  return result_of(::mkdir(path.c_str(), mode));
}

int FileSystem::remove(const std::string& path) {
  return result_of(::unlink(path.c_str()));
}

int FileSystem::remove_dir(const std::string& path) {
  return result_of(::rmdir(path.c_str()));
}

int FileSystem::lock(int fd) {
  return result_of(::flock(fd, LOCK_EX | LOCK_NB));
}

Error system_error(int error, std::string_view what) {
  return {code_of(error),
          fmt::format("cannot {}: {}", what, std::generic_category().message(error)),
          hint_for(error)};
}

Result<AppendFile> AppendFile::create(FileSystem& files, std::string path) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC;
  const int fd = retried([&] { return files.open(path, flags, kFileMode); });
  AGDB_CHECK_OK(status_of(fd, "create", path));
  AppendFile file(files, std::move(path), fd);
  AGDB_CHECK_OK(status_of(retried([&] { return files.lock(fd); }), "lock", file.path_));
  return file;
}

AppendFile::AppendFile(FileSystem& files, std::string path, int fd)
    : files_(&files), path_(std::move(path)), fd_(fd) {}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : files_(other.files_), path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

AppendFile::~AppendFile() {
  if (fd_ >= 0) files_->close(fd_);
}

AppendFile::Outcome AppendFile::append(std::string_view bytes) {
  return write_all(*files_, fd_, path_, bytes);
}

Status AppendFile::truncate(std::uint64_t size) {
  return status_of(retried([&] { return files_->truncate(fd_, size); }), "shorten", path_);
}

Status AppendFile::sync() {
  return status_of(retried([&] { return files_->sync(fd_); }), "flush", path_);
}

Status AppendFile::close() {
  const int fd = std::exchange(fd_, -1);
  const int closed = files_->close(fd);
  // Linux has closed it all the same when interrupted.
  return closed == -EINTR ? Status() : status_of(closed, "close", path_);
}

Status replace_file(FileSystem& files, const std::string& path, std::string_view text,
                    Persist persist) {
  const std::string temporary = path + ".tmp";
  Status status = write_new_file(files, temporary, text, persist);
  if (status)
    status = status_of(retried([&] { return files.rename(temporary, path); }), "replace", path);
  if (!status) {
    files.remove(temporary);
    return status;
  }
  if (persist != Persist::kContentAndName) return {};
  return sync_folder(files, std::filesystem::path(path).parent_path().string());
}

Status sync_folder(FileSystem& files, const std::string& folder) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  const int fd = retried([&] { return files.open(folder, flags, 0); });
  AGDB_CHECK_OK(status_of(fd, "open", folder));
  Status status = status_of(retried([&] { return files.sync(fd); }), "flush", folder);
  files.close(fd);
  return status;
}

Status make_dirs(FileSystem& files, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && parent != path) AGDB_CHECK_OK(make_dirs(files, parent.string()));
  const int made = files.make_dir(path, kFolderMode);
  // Somebody else may have made it meanwhile; a file of that name is an error.
  if (made == -EEXIST && std::filesystem::is_directory(path, ignored)) return {};
  return status_of(made, "create folder", path);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const int fd = retried([&] { return result_of(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); });
  AGDB_CHECK_OK(status_of(fd, "open", path));
  // With room for one byte more than there are, the end is seen by the read that takes the last.
  struct stat told{};
  const bool sized = ::fstat(fd, &told) == 0 && told.st_size > 0;
  const std::size_t piece =
      sized ? std::min(static_cast<std::size_t>(told.st_size), limit) + 1 : std::size_t{64} << 10;
  std::string text;
  int got = 0;
  do {
    const std::size_t before = text.size();
    text.resize_and_overwrite(before + piece, [&](char* bytes, std::size_t) {
      got = retried([&] { return result_of(static_cast<int>(::read(fd, bytes + before, piece))); });
      return before + static_cast<std::size_t>(std::max(got, 0));
    });
  } while (got > 0 && !(sized && static_cast<std::size_t>(got) < piece) && text.size() <= limit);
  ::close(fd);
  AGDB_CHECK_OK(status_of(got, "read", path));
  if (text.size() > limit)
    return fail(Code::kCorrupt, fmt::format("{} is longer than {} bytes", path, limit));
  return text;
}

}  // namespace agdb

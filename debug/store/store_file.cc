#include "debug/store/store_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace agdb {
namespace {

std::unexpected<Error> failed_to(const char* what, const std::string& path, int error) {
  return fail(error == EACCES || error == EPERM ? Code::kPermission : Code::kIo,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

// Each missing folder of the path, private.
Status make_folders(const std::filesystem::path& folder) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR) {
      const int error = errno;
      std::error_code ignored;
      if (!std::filesystem::is_directory(made, ignored))
        return failed_to("make", made.string(), error);
    }
  }
  return {};
}

// The smallest page that SQLite has.
constexpr std::uintmax_t kPageBytes = 512;

}  // namespace

Status look_at_size(const std::string& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error || bytes % kPageBytes == 0) return {};
  const std::uintmax_t log_bytes = std::filesystem::file_size(path + "-wal", error);
  if (!error && log_bytes > 0) return {};
  return fail(Code::kCorrupt, fmt::format("store {}: its {} bytes end within a page", path, bytes));
}

Status make_store_file(const std::string& path) {
  AGDB_CHECK_OK(make_folders(std::filesystem::path(path).parent_path()));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST) return failed_to("open", path, errno);
  if (fd >= 0) ::close(fd);
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return failed_to("open", path, errno);
  if (!S_ISREG(info.st_mode))
    return fail(Code::kInvalid, fmt::format("store {} is no plain file", path));
  if ((info.st_mode & 0077) != 0) ::chmod(path.c_str(), 0600);
  return {};
}

Result<std::string> set_aside(const std::string& path) {
  std::string aside;
  std::error_code error;
  for (int n = 1; aside.empty() || std::filesystem::exists(aside, error); ++n)
    aside = fmt::format("{}.corrupt-{}", path, n);
  // The log first: a new file of the old name must not find it.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    const std::string from = path + suffix;
    if (std::rename(from.c_str(), (aside + suffix).c_str()) != 0 && errno != ENOENT)
      return failed_to("rename", from, errno);
  }
  return aside;
}

FileIdentity identity_of(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {.device = info.st_dev, .inode = info.st_ino};
}

Result<FolderLock> FolderLock::take(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed_to("open", folder, errno);
  FolderLock lock(fd);
  while (::flock(fd, LOCK_EX) != 0)
    if (errno != EINTR) return failed_to("lock", folder, errno);
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace agdb

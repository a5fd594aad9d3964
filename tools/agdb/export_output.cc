#include "tools/agdb/export_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "debug/record/file.h"

namespace agdb {
ExportOutput::ExportOutput(Console& console, std::string path, std::string temporary, int fd)
    : console_(&console), path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

ExportOutput::ExportOutput(ExportOutput&& other) noexcept
    : console_(other.console_),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_) {}

ExportOutput::~ExportOutput() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<ExportOutput> ExportOutput::open(Console& console, std::string path) {
  if (path.empty()) return ExportOutput(console, {}, {}, -1);
  struct stat there = {};
  // A device or a pipe is written to as it is.
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    if (S_ISDIR(there.st_mode))
      return fail(Code::kInvalid, fmt::format("{} is a folder", path), "-o FILE names a file");
    FileSystem disk;
    const int fd = disk.open(path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) return std::unexpected(system_error(-fd, "write " + path));
    return ExportOutput(console, std::move(path), {}, fd);
  }
  std::string temporary = path + ".XXXXXX";
  // With mode 0600, as all that may hold what an agent was told.
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return std::unexpected(system_error(errno, "write " + path));
  return ExportOutput(console, std::move(path), std::move(temporary), fd);
}

Status ExportOutput::write(std::string_view text) {
  bytes_ += text.size();
  if (fd_ < 0) {
    console_->print(text);
    if (console_->reader_gone()) return fail(Code::kCancelled, "nobody reads on");
    return {};
  }
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(system_error(errno, "write " + path_));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status ExportOutput::commit() {
  if (fd_ < 0) return {};
  if (::close(std::exchange(fd_, -1)) != 0)
    return std::unexpected(system_error(errno, "write " + path_));
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    return std::unexpected(system_error(errno, "write " + path_));
  temporary_.clear();
  return {};
}

}  // namespace agdb

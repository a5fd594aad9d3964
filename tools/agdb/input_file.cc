#include "tools/agdb/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace agdb {
namespace {

std::unexpected<Error> cannot_read(const std::string& path, int error) {
  const Code code = error == ENOENT || error == ENOTDIR ? Code::kNotFound
                    : error == EACCES                   ? Code::kPermission
                                                        : Code::kIo;
  return fail(code, fmt::format("cannot read {}: {}", path, std::strerror(error)),
              error == ENOENT ? "check the name" : "");
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  struct stat info{};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    if (static_cast<std::uint64_t>(info.st_size) > kMaxInputFile)
      return fail(Code::kInvalid,
                  fmt::format("{} is larger than {} GiB", path, kMaxInputFile >> 30));
    text.reserve(static_cast<std::size_t>(info.st_size) + 1);
  }
  std::string piece(std::size_t{1} << 20, '\0');
  for (;;) {
    const ssize_t n = ::read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot_read(path, errno);
    if (n == 0) return text;
    if (text.size() + static_cast<std::size_t>(n) > kMaxInputFile)
      return fail(Code::kInvalid,
                  fmt::format("{} is larger than {} GiB", path, kMaxInputFile >> 30));
    text.append(piece.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

Result<std::string> read_input_file(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, "stdin");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot_read(path, errno);
  Result<std::string> text = read_all(fd, path);
  ::close(fd);
  return text;
}

}  // namespace agdb

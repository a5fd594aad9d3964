#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/kernel/device.h"

namespace agdb {
namespace {

// Reads of one call are at most this long, whatever was asked for.
constexpr std::uint64_t kMaxRead = 16u << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
      return fail(Code::kNotFound, "no such file: " + path);
    case EXDEV:
    case ELOOP:
      return fail(Code::kPermission, "the path leaves the folder: " + path,
                  "only files below the mounted folder can be opened");
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(Code::kPermission, "not allowed: " + path + ": " + std::strerror(error));
    default:
      return fail(Code::kIo, path + ": " + std::strerror(error));
  }
}

class DiskFile final : public OpenFile {
 public:
  DiskFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  void write(std::string data, Reply<std::uint64_t> reply) override {
    std::size_t done = 0;
    while (done < data.size()) {
      const ssize_t n = ::write(fd_.get(), data.data() + done, data.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        reply(system_error(errno, path_));
        return;
      }
      done += static_cast<std::size_t>(n);
    }
    reply(std::uint64_t{done});
  }

  void read(std::uint64_t length, Reply<std::string> reply) override {
    std::string data(std::min(length, kMaxRead), '\0');
    ssize_t n = 0;
    do n = ::read(fd_.get(), data.data(), data.size());
    while (n < 0 && errno == EINTR);
    if (n < 0) {
      reply(system_error(errno, path_));
      return;
    }
    data.resize(static_cast<std::size_t>(n));
    reply(std::move(data));
  }

 private:
  const Descriptor fd_;
  const std::string path_;
};

class FsDevice final : public Device {
 public:
  explicit FsDevice(Descriptor folder) : folder_(std::move(folder)) {}

  // The kernel resolves the path and refuses one that leaves the folder at any step, so there is no
  // moment between a check and the opening in which a link could be swapped.
  Result<std::unique_ptr<OpenFile>> open(const OpenRequest& request) override {
    if (request.path.find('\0') != std::string::npos)
      return fail(Code::kInvalid, "a file name cannot hold a NUL byte");
    open_how how{};
    how.flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    switch (request.mode) {
      case OpenMode::kRead:
        how.flags |= O_RDONLY;
        break;
      case OpenMode::kWrite:
        how.flags |= O_WRONLY | O_CREAT | O_TRUNC;
        break;
      case OpenMode::kReadWrite:
        how.flags |= O_RDWR | O_CREAT;
        break;
    }
    if (request.mode != OpenMode::kRead) how.mode = 0600;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const std::string path = request.path.empty() ? "." : request.path;
    const long fd = ::syscall(SYS_openat2, folder_.get(), path.c_str(), &how, sizeof(how));
    if (fd < 0) return system_error(errno, path);
    Descriptor descriptor(static_cast<int>(fd));
    struct stat info{};
    if (::fstat(descriptor.get(), &info) != 0) return system_error(errno, path);
    if (!S_ISREG(info.st_mode)) return fail(Code::kInvalid, "not a regular file: " + path);
    return std::make_unique<DiskFile>(std::move(descriptor), path);
  }

 private:
  const Descriptor folder_;
};

}  // namespace

Result<std::shared_ptr<Device>> make_fs_device(const std::string& folder) {
  Descriptor descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0)
    return fail(errno == ENOENT || errno == ENOTDIR ? Code::kNotFound : Code::kIo,
                "cannot open the folder " + folder + ": " + std::strerror(errno),
                "give a folder that exists");
  return std::make_shared<FsDevice>(std::move(descriptor));
}

}  // namespace agdb

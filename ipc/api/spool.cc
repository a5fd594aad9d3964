#include "ipc/api/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "debug/record/file.h"

namespace agdb {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::string_view kWhat = "keep an answer in /tmp";

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(system_error(errno, std::string(kWhat)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Spool>> Spool::open() {
  std::array<char, 32> name = {"/tmp/agdb-answer-XXXXXX"};
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return std::unexpected(system_error(errno, std::string(kWhat)));
  ::unlink(name.data());
  return std::shared_ptr<Spool>(new Spool(fd));
}

Spool::~Spool() {
  ::close(fd_);
}

Status Spool::write(std::string_view text) {
  waiting_ += text;
  written_ += text.size();
  if (waiting_.size() < kPieceBytes) return {};
  const Status status = write_all(fd_, waiting_);
  waiting_.clear();
  return status;
}

BodySource Spool::read(std::shared_ptr<Spool> spool) {
  return [spool = std::move(spool)](std::string& out) -> Result<bool> {
    AGDB_CHECK_OK(write_all(spool->fd_, std::exchange(spool->waiting_, {})));
    const std::uint64_t left = spool->written_ - spool->read_;
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes));
    const std::size_t before = out.size();
    out.resize(before + wanted);
    const ssize_t got =
        ::pread(spool->fd_, out.data() + before, wanted, static_cast<off_t>(spool->read_));
    out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) return true;
    if (got < 0 || (got == 0 && wanted > 0))
      return std::unexpected(system_error(got < 0 ? errno : EIO, std::string(kWhat)));
    spool->read_ += static_cast<std::uint64_t>(got);
    return spool->read_ < spool->written_;
  };
}

}  // namespace agdb

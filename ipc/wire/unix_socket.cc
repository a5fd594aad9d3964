#include "ipc/wire/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace agdb {
namespace {

constexpr int kBacklog = 1024;  // the system's default limit is 4096
constexpr timeval kConnectLimit{5, 0};
constexpr const char* kNameAnother = "name another socket by --socket or $AGDB_SOCKET";

std::unexpected<Error> refused(int error, const std::string& what, std::string hint = {}) {
  const Code code = error == EACCES || error == EPERM ? Code::kPermission : Code::kIo;
  return fail(code, "cannot " + what + ": " + std::strerror(error), std::move(hint));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The system would take either for a name in no folder, which nobody guards.
  if (path.empty() || path.find('\0') != std::string::npos)
    return fail(Code::kInvalid,
                path.empty() ? "the socket path is empty" : "a NUL in a socket path", kNameAnother);
  if (path.size() >= sizeof(address.sun_path))
    return fail(Code::kInvalid,
                "socket path " + path + " is too long: " + std::to_string(path.size()) +
                    " bytes of at most " + std::to_string(sizeof(address.sun_path) - 1),
                "give a shorter one by --socket or $AGDB_SOCKET");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT(*-reinterpret-cast): as bind wants
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  // Not "folder/": of a link, that would mean what is behind it.
  const std::size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

// The folder guards the socket: nobody else may put something in its place.
Status prepare_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return refused(errno, "make folder " + folder);
  struct stat found{};
  if (::lstat(folder.c_str(), &found) != 0) return refused(errno, "look at folder " + folder);
  const std::string hint = std::string("remove it, or ") + kNameAnother;
  if (S_ISLNK(found.st_mode))
    return fail(Code::kPermission, folder + " is a link, and sockets behind links are not trusted",
                hint);
  if (!S_ISDIR(found.st_mode)) return fail(Code::kPermission, folder + " is no folder", hint);
  if (found.st_uid != ::geteuid())
    return fail(Code::kPermission, folder + " belongs to another user", kNameAnother);
  if ((found.st_mode & 077) != 0)
    return fail(Code::kPermission, folder + " is open to other users",
                "chmod 700 " + folder + ", or " + kNameAnother);
  return {};
}

Result<int> take_lock(const std::string& path) {
  const std::string lock = path + ".lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return refused(errno, "open " + lock);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  ::close(fd);
  if (error == EWOULDBLOCK)
    return fail(Code::kUnavailable, "a daemon serves " + path + " already",
                "`agdb status` tells about it, `agdb shutdown` ends it");
  return refused(error, "lock " + lock);
}

// Whoever holds the lock may take away what a dead daemon left.
Status remove_stale(const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0)
    return errno == ENOENT ? Status() : refused(errno, "look at " + path);
  if (!S_ISSOCK(found.st_mode) || found.st_uid != ::geteuid())
    return fail(Code::kPermission, path + " exists and is no socket of yours",
                std::string("remove it, or ") + kNameAnother);
  if (::unlink(path.c_str()) != 0) return refused(errno, "remove " + path);
  return {};
}

Result<int> listen_at(const std::string& path, const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return refused(errno, "make a socket");
  // The file takes the socket's mode when it is made.
  if (::fchmod(fd, 0600) != 0 || ::bind(fd, generic(address), sizeof(address)) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    const int error = errno;
    ::close(fd);
    return refused(error, "listen at " + path);
  }
  return fd;
}

std::unexpected<Error> no_connection(int error, const std::string& path) {
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
    return fail(Code::kUnavailable, "no daemon at " + path, "start one: agdb serve --detach");
  if (error == EAGAIN)
    return fail(Code::kUnavailable, "the daemon at " + path + " accepts no connection",
                "it is overloaded or hangs; try again, or end it");
  return refused(error, "connect to " + path);
}

Status check_listener(int fd, const std::string& path) {
  AGDB_TRY(const Peer peer, peer_of(fd));
  if (peer.user == ::geteuid() || peer.user == 0) return {};
  return fail(Code::kPermission, "the daemon at " + path + " belongs to another user",
              kNameAnother);
}

}  // namespace

std::string default_socket_path(const SocketPlace& place) {
  if (!place.environment.empty()) return place.environment;
  if (place.runtime_dir.starts_with('/')) return place.runtime_dir + "/agdb/agdb.sock";
  return "/tmp/agdb-" + std::to_string(place.user) + "/agdb.sock";
}

Result<ListeningSocket> ListeningSocket::open(const std::string& path) {
  AGDB_TRY(const sockaddr_un address, address_of(path));
  AGDB_CHECK_OK(prepare_folder(folder_of(path)));
  AGDB_TRY(const int lock_fd, take_lock(path));
  Status ready = remove_stale(path);
  Result<int> fd = -1;
  if (ready) fd = listen_at(path, address);
  if (!ready || !fd) {
    ::close(lock_fd);
    return std::unexpected(ready ? std::move(fd).error() : std::move(ready).error());
  }
  return ListeningSocket(path, *fd, lock_fd);
}

ListeningSocket::ListeningSocket(std::string path, int fd, int lock_fd)
    : path_(std::move(path)), fd_(fd), lock_fd_(lock_fd) {
  struct stat made{};
  if (::lstat(path_.c_str(), &made) != 0) return;
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      device_(other.device_),
      inode_(other.inode_) {}

// The lock's file stays: whoever removed it could remove the next daemon's. Where somebody removed
// the whole folder meanwhile, another daemon's socket may stand at the path.
ListeningSocket::~ListeningSocket() {
  if (fd_ < 0) return;
  struct stat found{};
  if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_)
    ::unlink(path_.c_str());
  ::close(fd_);
  ::close(lock_fd_);
}

Result<int> connect_socket(const std::string& path) {
  AGDB_TRY(const sockaddr_un address, address_of(path));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused(errno, "make a socket");
  // Ends the wait for a place in the queue of a daemon that hangs.
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kConnectLimit, sizeof(kConnectLimit));
  int result = 0;
  do {
    result = ::connect(fd, generic(address), sizeof(address));
  } while (result != 0 && errno == EINTR);
  Status accepted = result == 0 ? check_listener(fd, path) : no_connection(errno, path);
  if (accepted) return fd;
  ::close(fd);
  return std::unexpected(std::move(accepted).error());
}

Result<Peer> peer_of(int fd) {
  ucred who{};
  socklen_t size = sizeof(who);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
    return refused(errno, "ask who is at the other end");
  return Peer{who.uid, who.pid};
}

}  // namespace agdb

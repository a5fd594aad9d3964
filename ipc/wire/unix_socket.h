#pragma once

#include <sys/types.h>

#include <string>

#include "runtime/events/result.h"

namespace agdb {

// Where a daemon's socket stands, and how it comes to stand there safely.

struct SocketPlace {
  std::string environment;  // $AGDB_SOCKET; empty = unset
  std::string runtime_dir;  // $XDG_RUNTIME_DIR; empty or not absolute = unset
  uid_t user = 0;
};
// $AGDB_SOCKET, else $XDG_RUNTIME_DIR/agdb/agdb.sock, else /tmp/agdb-<uid>/agdb.sock.
std::string default_socket_path(const SocketPlace& place);

// A listening socket and the lock of its path. Both go when it goes; the socket's file too, if it
// is still this one. Move-only.
class ListeningSocket {
 public:
  // Makes the folder (0700) if it is missing, takes <path>.lock, replaces a socket whose daemon has
  // died, and listens (0600). Errors: kPermission for a folder that is a link, belongs to somebody
  // else or is open to others, and for a path where something stands that is no socket of ours;
  // kInvalid for a path that is too long; kUnavailable when a living daemon holds the lock; kIo.
  static Result<ListeningSocket> open(const std::string& path);
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  ListeningSocket(std::string path, int fd, int lock_fd);
  std::string path_;
  int fd_ = -1;
  int lock_fd_ = -1;
  // Of the socket's file.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A connected socket's file descriptor, which is the caller's. Errors: kUnavailable when nobody
// listens there or does not accept within 5 s, kPermission, kInvalid for a path that is too long.
// Refuses a socket of another user, but for root's: whoever plants one would be told contexts.
Result<int> connect_socket(const std::string& path);

// Who is on the other side of a connected socket; the system knows.
struct Peer {
  uid_t user = 0;
  pid_t pid = 0;
};
Result<Peer> peer_of(int fd);

}  // namespace agdb

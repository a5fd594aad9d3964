#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "debug/record/index_format.h"

namespace agdb {

// A file descriptor, closed when it goes away; -1 = none.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// Exactly these bytes of a file; false when it has fewer, or cannot be read.
bool read_exactly(int fd, std::uint64_t offset, void* out, std::size_t length);
bool write_exactly(int fd, std::string_view bytes);
// A file without a name in $TMPDIR (or /tmp), gone when it is closed; none when that fails.
OwnedFd temporary_file();

// The entries of an index, as many as they are, without holding them in memory: first those of a
// file that exists, then those appended to a file without a name, then a few that wait. Read by
// pread through a small cache; a file that somebody cuts gives failed(), not a signal. Where no
// file can be made, what is appended stays in memory.
//
// Const calls: any thread.
class IndexStore {
 public:
  IndexStore();
  // Begins with `count` entries that stand in `file` from the end of its header on.
  IndexStore(OwnedFd file, std::uint64_t count);
  // Begins empty, and what is appended goes to `file`, where it ends.
  explicit IndexStore(OwnedFd file);
  ~IndexStore();
  IndexStore(IndexStore&&) noexcept;
  IndexStore& operator=(IndexStore&&) noexcept;

  std::uint64_t size() const;
  // REQUIRES: position < size(). All zero when it cannot be read; then failed().
  IndexEntry at(std::uint64_t position) const;
  // The entries from `position` on, read for themselves: for one look somewhere, which brings
  // nothing else along. REQUIRES: position + out.size() <= size(). False: they cannot be read; then
  // failed().
  bool look(std::uint64_t position, std::span<IndexEntry> out) const;
  // Up to `most` entries from there on, for reading through; empty when they cannot be read.
  std::vector<IndexEntry> range(std::uint64_t position, std::size_t most) const;
  bool failed() const;
  // What stands in the entries cannot be.
  void mark_failed() const;

  // The entries to append; moved out of `entries`.
  void append(std::vector<IndexEntry>& entries);
  // Everything that was appended is in the file; false: it is not. For whoever gave that file.
  bool flush();
  // The file that the constructor was given to append to; -1 = none.
  int file() const;
  // That file is complete: what is appended from here on goes elsewhere. REQUIRES: flush() was
  // true.
  void settle();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace agdb

#pragma once

#include <cstdint>
#include <string>

#include "runtime/events/result.h"

namespace agdb {

// The file of a store, apart from what is in it. A file that is there is never opened here: who
// closes any descriptor of a file gives up all locks that its process has on it, those of SQLite
// included, and another process would then take the log away from under this one.

// Makes the folder (0700) and an empty file (0600) where they are missing, and takes others' rights
// away from a file that is there.
Status make_store_file(const std::string& path);

// An error (kCorrupt) for a file that ends in the middle of a page, with no log that would mend it.
Status look_at_size(const std::string& path);

// Renames a damaged store, with what belongs to it, to "<path>.corrupt-N" with the smallest N that
// is free, and returns that name.
Result<std::string> set_aside(const std::string& path);

// Tells whether a path still leads to the same file: another process may have set it aside.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(const std::string& path);

// Holds the folder's lock while it lives: who opens a store, and may have to set it aside, is
// alone.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace agdb

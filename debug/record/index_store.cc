#include "debug/record/index_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

namespace agdb {
namespace {

constexpr std::uint64_t kBlock = 64;    // entries: 3 KiB, one pread
constexpr std::size_t kBlocks = 64;     // cached: 192 KiB
constexpr std::size_t kWaiting = 4096;  // entries, before they are written

std::uint64_t offset_of(std::uint64_t position) {
  return sizeof(IndexHeader) + position * sizeof(IndexEntry);
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

bool read_exactly(int fd, std::uint64_t offset, void* out, std::size_t length) {
  char* at = static_cast<char*>(out);
  while (length > 0) {
    const ssize_t count = ::pread(fd, at, length, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    offset += static_cast<std::uint64_t>(count);
    length -= static_cast<std::size_t>(count);
  }
  return true;
}

bool write_exactly(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

OwnedFd temporary_file() {
  const char* const dir = std::getenv("TMPDIR");
  std::string pattern = std::string(dir != nullptr && *dir != '\0' ? dir : "/tmp") + "/agdb-XXXXXX";
  OwnedFd file(::mkostemp(pattern.data(), O_CLOEXEC));
  if (file) ::unlink(pattern.c_str());
  return file;
}

struct IndexStore::Rep {
  // Entries [0, base_count) stand in `base`, the next grown_count in `grown`, then those in tail.
  OwnedFd base;
  std::uint64_t base_count = 0;
  OwnedFd grown;
  std::uint64_t grown_count = 0;
  bool is_given = false;     // `grown` is the constructor's
  bool grown_fails = false;  // what is appended stays in tail
  std::vector<IndexEntry> tail;

  struct Cached {
    std::uint64_t block = ~std::uint64_t{0};
    std::array<IndexEntry, kBlock> entries;
  };
  mutable std::mutex mutex;  // the two below
  mutable std::vector<Cached> cache;
  mutable bool failed = false;

  std::uint64_t in_files() const { return base_count + grown_count; }

  // The entries [from, from + out.size()), which stand in files.
  bool read(std::uint64_t from, std::span<IndexEntry> out) const {
    const std::uint64_t in_base =
        from < base_count ? std::min<std::uint64_t>(out.size(), base_count - from) : 0;
    const std::span<IndexEntry> first = out.first(static_cast<std::size_t>(in_base));
    const std::span<IndexEntry> rest = out.subspan(first.size());
    if (!read_exactly(base.get(), offset_of(from), first.data(), first.size_bytes())) return false;
    if (rest.empty()) return true;
    return read_exactly(grown.get(), offset_of(from + in_base - base_count), rest.data(),
                        rest.size_bytes());
  }

  IndexEntry cached(std::uint64_t position) const {
    const std::uint64_t block = position / kBlock;
    const std::lock_guard lock(mutex);
    if (cache.empty()) cache.resize(kBlocks);
    Cached& slot = cache[block % kBlocks];
    if (slot.block != block) {
      const std::uint64_t from = block * kBlock;
      const auto count = static_cast<std::size_t>(std::min(kBlock, in_files() - from));
      slot.block = ~std::uint64_t{0};
      if (!read(from, std::span(slot.entries).first(count))) {
        failed = true;
        return {};
      }
      // A block that is not full grows: it is read again next time.
      if (count == kBlock) slot.block = block;
    }
    return slot.entries[static_cast<std::size_t>(position % kBlock)];
  }

  bool write_tail() {
    if (grown_fails) return false;
    if (!grown) {
      grown = temporary_file();
      // The place of a header, so that entries stand at the same offsets in every file.
      if (!grown || !write_exactly(grown.get(), bytes_of(IndexHeader()))) {
        grown_fails = true;
        return false;
      }
    }
    if (!write_exactly(grown.get(), bytes_of(tail))) {
      // What stands beyond grown_count does not count.
      grown_fails = true;
      return false;
    }
    grown_count += tail.size();
    tail.clear();
    return true;
  }
};

IndexStore::IndexStore() : rep_(std::make_unique<Rep>()) {}
IndexStore::IndexStore(OwnedFd file, std::uint64_t count) : IndexStore() {
  rep_->base = std::move(file);
  rep_->base_count = count;
}
IndexStore::IndexStore(OwnedFd file) : IndexStore() {
  rep_->grown = std::move(file);
  rep_->is_given = true;
}
IndexStore::~IndexStore() = default;
IndexStore::IndexStore(IndexStore&&) noexcept = default;
IndexStore& IndexStore::operator=(IndexStore&&) noexcept = default;

std::uint64_t IndexStore::size() const {
  return rep_->in_files() + rep_->tail.size();
}

IndexEntry IndexStore::at(std::uint64_t position) const {
  if (position < rep_->in_files()) return rep_->cached(position);
  return rep_->tail[static_cast<std::size_t>(position - rep_->in_files())];
}

bool IndexStore::look(std::uint64_t position, std::span<IndexEntry> out) const {
  const std::uint64_t files = rep_->in_files();
  const std::uint64_t before =
      position < files ? std::min<std::uint64_t>(out.size(), files - position) : 0;
  const std::span<IndexEntry> in_files = out.first(static_cast<std::size_t>(before));
  const std::span<IndexEntry> rest = out.subspan(in_files.size());
  if (!in_files.empty() && !rep_->read(position, in_files)) {
    mark_failed();
    return false;
  }
  const auto from = static_cast<std::ptrdiff_t>(position + before - files);
  if (!rest.empty()) std::copy_n(rep_->tail.begin() + from, rest.size(), rest.begin());
  return true;
}

std::vector<IndexEntry> IndexStore::range(std::uint64_t position, std::size_t most) const {
  std::vector<IndexEntry> out;
  const std::uint64_t files = rep_->in_files();
  if (position >= files) {
    const auto from = static_cast<std::size_t>(std::min(position, size()) - files);
    const std::size_t count = std::min(most, rep_->tail.size() - from);
    const auto begin = rep_->tail.begin() + static_cast<std::ptrdiff_t>(from);
    out.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    return out;
  }
  out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(most, files - position)));
  if (rep_->read(position, out)) return out;
  mark_failed();
  return {};
}

bool IndexStore::failed() const {
  const std::lock_guard lock(rep_->mutex);
  return rep_->failed;
}

void IndexStore::mark_failed() const {
  const std::lock_guard lock(rep_->mutex);
  rep_->failed = true;
}

void IndexStore::append(std::vector<IndexEntry>& entries) {
  rep_->tail.insert(rep_->tail.end(), entries.begin(), entries.end());
  entries.clear();
  if (rep_->tail.size() >= kWaiting) rep_->write_tail();
}

bool IndexStore::flush() {
  return rep_->tail.empty() ? !rep_->grown_fails : rep_->write_tail();
}

int IndexStore::file() const {
  return rep_->is_given ? rep_->grown.get() : -1;
}

void IndexStore::settle() {
  rep_->base = std::move(rep_->grown);
  rep_->base_count = std::exchange(rep_->grown_count, 0);
  rep_->grown = OwnedFd();
  rep_->is_given = false;
}

}  // namespace agdb

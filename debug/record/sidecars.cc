#include "debug/record/sidecars.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace agdb {
namespace {

constexpr std::size_t kBatchBytes = 8 << 10;  // 170 entries

// Over interruptions and short writes. 0, or an errno value.
int write_all(FileSystem& files, int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::int64_t count = files.write(fd, bytes);
    if (count == -EINTR) continue;
    // A write of nothing without an error would be tried for ever.
    if (count <= 0) return count < 0 ? static_cast<int>(-count) : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

int append_to_file(FileSystem& files, const std::string& path, int flags, std::string_view bytes) {
  int fd = files.open(path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  while (fd == -EINTR) fd = files.open(path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return -fd;
  const int error = write_all(files, fd, bytes);
  const int closed = files.close(fd);
  return error == 0 && closed < 0 && closed != -EINTR ? -closed : error;
}

}  // namespace

void BlockSums::take(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, kSumBlockBytes - filled_);
    hasher_.update(part);
    filled_ += part.size();
    text.remove_prefix(part.size());
    if (filled_ == kSumBlockBytes) finish(out);
  }
}

void BlockSums::finish(std::string& out) {
  if (filled_ == 0) return;
  const std::uint64_t sum = hasher_.take();
  out.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  filled_ = 0;
}

RecordingSidecars::RecordingSidecars(FileSystem& files, std::string folder, std::string record_id,
                                     Log log)
    : files_(files),
      folder_(std::move(folder)),
      record_id_(std::move(record_id)),
      log_(std::move(log)),
      builder_(kFormatVersion) {}

void RecordingSidecars::take(std::string_view lines, const IndexBuilder::Entries& seen) {
  if (lines.empty()) return;
  const std::size_t before = sums_.waiting.size();
  blocks_.take(lines, sums_.waiting);
  sums_hash_.update(std::string_view(sums_.waiting).substr(before));
  if (head_.size() < kIndexProofBytes) head_ += lines.substr(0, kIndexProofBytes - head_.size());
  tail_ += lines.substr(lines.size() - std::min(lines.size(), kIndexProofBytes));
  if (tail_.size() > kIndexProofBytes) tail_.erase(0, tail_.size() - kIndexProofBytes);
  if (!index_.failed) {
    builder_.take(lines, seen, entries_);
    if (index_.waiting.empty() && !index_.exists)
      index_.waiting = bytes_of(index_header(record_id_));
    index_.waiting += bytes_of(entries_);
    entries_.clear();
  }
  if (index_.waiting.size() >= kBatchBytes) append(index_);
  if (!sums_.waiting.empty()) append(sums_);
}

void RecordingSidecars::append(Growing& file) {
  if (file.failed || file.waiting.empty()) return;
  const int flags = file.exists ? 0 : O_CREAT | O_EXCL;
  const int error =
      append_to_file(files_, fmt::format("{}/{}", folder_, file.name), flags, file.waiting);
  file.exists = true;
  file.waiting.clear();
  if (error == 0) return;
  file.failed = true;
  const Error reason = system_error(error, fmt::format("write {}/{}", folder_, file.name));
  log_(fmt::format("recording {}: {}; it is left unfinished, the events are written on", record_id_,
                   reason.message));
}

std::string RecordingSidecars::finish() {
  const std::size_t before = sums_.waiting.size();
  blocks_.finish(sums_.waiting);
  sums_hash_.update(std::string_view(sums_.waiting).substr(before));
  append(sums_);
  if (index_.exists) finish_index();
  return sums_.exists && !sums_.failed ? sums_hash_.digest().hex() : std::string();
}

void RecordingSidecars::finish_index() {
  if (index_.failed) return;
  const std::string summary = summary_to_json(builder_.summary());
  index_.waiting += summary;
  index_.waiting += bytes_of(sealed({.count = builder_.count(),
                                     .text_bytes = builder_.next_offset(),
                                     .head_hash = xxh3_64(head_),
                                     .tail_hash = xxh3_64(tail_),
                                     .summary_bytes = summary.size(),
                                     .summary_hash = xxh3_64(summary)}));
  append(index_);
}

}  // namespace agdb

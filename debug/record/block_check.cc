#include "debug/record/block_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "debug/record/file.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxSumsBytes = std::size_t{1} << 30;  // of 8 TiB of text
constexpr std::size_t kSumBytes = 8;
constexpr std::size_t kChunk = 4096;  // entries

// Lines are long: looking for one end after the other is quicker than looking at every byte.
std::uint64_t count_lines(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    ++count;
  return count;
}

}  // namespace

void BlockCheck::take(std::string_view text) {
  content_.update(text);
  while (!text.empty()) {
    if (bytes_ % kSumBlockBytes == 0) first_lines_.push_back(lines_);
    const std::string_view part = text.substr(0, kSumBlockBytes - bytes_ % kSumBlockBytes);
    sums_.take(part, computed_);
    lines_ += count_lines(part);
    bytes_ += part.size();
    text.remove_prefix(part.size());
  }
}

BlockCheck::Result BlockCheck::finish(const std::string& folder, const RecordingMetadata& metadata,
                                      bool live) {
  Result result{.content_hash = content_.digest().hex(), .damaged = {}, .others = {}};
  const bool ended = !live && metadata.status != kStatusRecording;
  if (ended) sums_.finish(computed_);
  const agdb::Result<std::string> file = read_file(folder + "/events.sum", kMaxSumsBytes);
  const bool promised = !metadata.sums_hash.empty();
  if (!file) {
    if (promised) result.others.push_back(file.error().message);
    return result;
  }
  if (promised && xxh3_128(*file).hex() != metadata.sums_hash) {
    result.others.push_back(fmt::format("sums_hash is \"{}\", events.sum gives {}",
                                        metadata.sums_hash, xxh3_128(*file).hex()));
  }
  const std::size_t blocks = computed_.size() / kSumBytes;
  const std::size_t known = file->size() / kSumBytes;
  if (promised && known != blocks) {
    result.others.push_back(
        fmt::format("events.sum has the sums of {} blocks, the text has {}", known, blocks));
  }
  for (std::size_t i = 0; i < std::min(known, blocks); ++i) {
    if (file->compare(i * kSumBytes, kSumBytes, computed_, i * kSumBytes, kSumBytes) == 0) continue;
    const std::uint64_t last = i + 1 < first_lines_.size() ? first_lines_[i + 1] : lines_;
    result.damaged.push_back({.number = i, .first_line = first_lines_[i], .last_line = last});
  }
  return result;
}

IndexCheck::IndexCheck(const std::string& folder, const RecordingMetadata& metadata)
    // In a folder that is not there no index is found, and none is left.
    : source_({.folder = folder + "/events.idx",
               .record_id = metadata.record_id,
               .format_version = metadata.format_version}),
      file_(::open((folder + "/events.idx").c_str(), O_RDONLY | O_CLOEXEC)),
      builder_(metadata.format_version) {
  struct stat info = {};
  // A writer at work may have made the file this moment.
  if (!file_ || ::fstat(file_.get(), &info) < 0 || info.st_size == 0) {
    file_ = OwnedFd();
    return;
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
  IndexHeader header;
  is_ours_ = size_ >= sizeof header && read_exactly(file_.get(), 0, &header, sizeof header) &&
             header == index_header(source_.record_id);
  if (!is_ours_) return;
  limit_ = (size_ - sizeof header) / sizeof(IndexEntry);
  IndexTrailer trailer;
  const bool is_finished =
      size_ >= sizeof header + sizeof trailer &&
      read_exactly(file_.get(), size_ - sizeof trailer, &trailer, sizeof trailer) &&
      trailer.magic == IndexTrailer().magic;
  if (!is_finished) return;
  trailer_ = trailer;
  limit_ = kMaxIndexedEvents;  // as many as there must be
}

void IndexCheck::take(std::string_view lines, const IndexBuilder::Entries& seen) {
  if (!is_ours_) return;
  builder_.take(lines, seen, entries_);
  compare();
}

void IndexCheck::take(std::string_view lines) {
  if (is_ours_) builder_.take(lines, entries_);
}

// What waits in entries_.
void IndexCheck::compare() {
  const std::uint64_t left = limit_ - compared_;
  if (entries_.size() > left) entries_.resize(static_cast<std::size_t>(left));
  there_.resize(entries_.size());
  const std::size_t bytes = entries_.size() * sizeof(IndexEntry);
  const std::uint64_t offset = sizeof(IndexHeader) + compared_ * sizeof(IndexEntry);
  compared_ += entries_.size();
  if (unreadable_ || !read_exactly(file_.get(), offset, there_.data(), bytes)) {
    unreadable_ = true;
  } else if (bytes_of(there_) != bytes_of(entries_)) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i] == there_[i]) continue;
      if (different_++ == 0) first_different_ = entries_[i];
    }
  }
  entries_.clear();
}

// With all entries of an index that is made again.
Status IndexCheck::compare_anew(const EventText& text) {
  compared_ = different_ = 0;
  unreadable_ = false;
  AGDB_TRY(const EventIndex right, EventIndex::open(text, source_, false));
  while (compared_ < std::min(right.size(), limit_)) {
    entries_ = right.raw_entries(compared_, kChunk);
    if (entries_.empty()) return fail(Code::kIo, "events.idx cannot be read");
    compare();
  }
  trailer_is_right_ = trailer_ == right.trailer(text);
  return {};
}

std::vector<std::string> IndexCheck::finish(const EventText& text) {
  if (!file_) return {};
  if (!is_ours_) return {"events.idx does not begin as the index of this recording"};
  compare();
  const agdb::Result<std::uint64_t> size = text.size();
  if (!size || builder_.next_offset() != *size || !builder_.sorted()) {
    if (const Status status = compare_anew(text); !status) return {status.error().message};
  } else {
    trailer_is_right_ = trailer_ == trailer_of(builder_, text);
  }
  std::vector<std::string> found;
  if (trailer_ && !trailer_is_right_) found.push_back("the end of events.idx is not right");
  if (unreadable_) found.push_back("events.idx cannot be read");
  if (different_ > 0) {
    found.push_back(
        fmt::format("{} entries of events.idx are wrong; the first is that of event {} "
                    "at byte {}",
                    different_, first_different_.seq_num, first_different_.offset));
  }
  return found;
}

}  // namespace agdb

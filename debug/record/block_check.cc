#include "debug/record/block_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "debug/record/event_index.h"
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

std::vector<std::string> check_index(const EventText& text, const std::string& folder,
                                     const RecordingMetadata& metadata) {
  const OwnedFd file(::open((folder + "/events.idx").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (!file || ::fstat(file.get(), &info) < 0) return {};
  const auto size = static_cast<std::uint64_t>(info.st_size);
  IndexHeader header;
  const bool has_header =
      size >= sizeof header && read_exactly(file.get(), 0, &header, sizeof header);
  if (!has_header || header != index_header(metadata.record_id))
    return {"events.idx does not begin as the index of this recording"};
  // In a folder that is not there no index is found, and none is left.
  const EventIndex::Source source{.folder = folder + "/events.idx",
                                  .record_id = metadata.record_id,
                                  .format_version = metadata.format_version};
  const Result<EventIndex> expected = EventIndex::open(text, source, false);
  if (!expected) return {expected.error().message};

  IndexTrailer trailer;
  const bool is_finished =
      size >= sizeof header + sizeof trailer &&
      read_exactly(file.get(), size - sizeof trailer, &trailer, sizeof trailer) &&
      trailer.magic == IndexTrailer().magic;
  std::vector<std::string> found;
  std::uint64_t count = (size - sizeof header) / sizeof(IndexEntry);
  if (is_finished) {
    if (trailer != expected->trailer(text)) found.push_back("the end of events.idx is not right");
    count = expected->size();
  }
  count = std::min(count, expected->size());
  std::uint64_t different = 0;
  std::uint64_t first = 0;
  std::vector<IndexEntry> there(kChunk);
  for (std::uint64_t at = 0; at < count;) {
    const std::vector<IndexEntry> right = expected->raw_entries(at, kChunk);
    const bool good =
        !right.empty() && read_exactly(file.get(), sizeof header + at * sizeof(IndexEntry),
                                       there.data(), right.size() * sizeof(IndexEntry));
    if (!good) {
      found.push_back("events.idx cannot be read");
      break;
    }
    for (std::size_t i = 0; i < right.size() && at + i < count; ++i) {
      if (right[i] == there[i]) continue;
      if (different++ == 0) first = at + i;
    }
    at += right.size();
  }
  if (different > 0) {
    const EventEntry entry = expected->entry(first);
    found.push_back(
        fmt::format("{} entries of events.idx are wrong; the first is that of event {} "
                    "at byte {}",
                    different, raw(entry.seq_num), entry.offset));
  }
  return found;
}

}  // namespace agdb

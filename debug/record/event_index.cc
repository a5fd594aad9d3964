#include "debug/record/event_index.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "debug/record/event_line.h"
#include "debug/record/file.h"
#include "debug/record/hash64.h"
#include "debug/record/piece_work.h"

namespace agdb {
namespace {

// What is read of the text at once. Small enough that the lines are still in the processor's cache
// when they are looked through.
constexpr std::size_t kPieceBytes = 256 << 10;
// Threads are worth their making from so much text on.
constexpr std::uint64_t kLongText = 4 << 20;
// For less text an index is made in a millisecond, and a file is not worth it.
constexpr std::uint64_t kWorthAFile = 1 << 20;
constexpr std::uint64_t kMaxSummaryBytes = 256 << 20;
constexpr std::size_t kChunk = 4096;  // entries

struct TextProof {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
};

// Of the first `bytes` of the text.
Result<TextProof> prove(const EventText& text, std::uint64_t bytes) {
  const std::size_t length =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kIndexProofBytes));
  TextProof proof;
  std::string piece;
  AGDB_CHECK_OK(text.read(0, length, piece));
  proof.head = xxh3_64(piece);
  AGDB_CHECK_OK(text.read(bytes - length, length, piece));
  proof.tail = xxh3_64(piece);
  return proof;
}

struct timespec modified(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) < 0 ? timespec{} : info.st_mtim;
}

bool is_before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

template <typename Struct>
bool read_struct(int fd, std::uint64_t offset, Struct& out) {
  return read_exactly(fd, offset, &out, sizeof out);
}

struct LookWorker {
  using Found = IndexBuilder::Entries;
  void look(std::uint64_t offset, std::string_view text, Found& found) {
    const WholeLines whole = WholeLines::of(text);
    found.clear();
    look_at_lines(offset + whole.begin, text.substr(whole.begin, whole.end - whole.begin), found,
                  text.data() + text.size());
  }
};

EventEntry public_form(const IndexEntry& at) {
  const bool known = at.type <= static_cast<std::uint8_t>(EventType::kGap);
  return {.offset = at.offset,
          .length = at.length,
          .type = known ? static_cast<EventType>(at.type) : EventType::kOther,
          .seq_num = static_cast<SeqNum>(at.seq_num),
          .timestamp = Nanoseconds(at.timestamp),
          .ctx_id = static_cast<CtxId>(at.ctx_id)};
}

std::uint64_t bytes_of_entries(std::uint64_t count) {
  return count * sizeof(IndexEntry);
}

}  // namespace

UnfinishedFile& UnfinishedFile::operator=(UnfinishedFile&& other) noexcept {
  std::swap(fd, other.fd);
  std::swap(path_, other.path_);
  return *this;
}

UnfinishedFile::~UnfinishedFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

bool UnfinishedFile::keep_as(const std::string& path) {
  if (::rename(path_.c_str(), path.c_str()) < 0) return false;
  path_.clear();
  return true;
}

EventIndex::EventIndex(Source source)
    : source_(std::move(source)), builder_(source_.format_version) {}

std::string EventIndex::path(std::string_view name) const {
  return fmt::format("{}/{}", source_.folder, name);
}

Result<EventIndex> EventIndex::open(const EventText& text, Source source, bool has_writer) {
  EventIndex index(std::move(source));
  if (!index.adopt(text)) index.begin(text, has_writer);
  AGDB_TRY([[maybe_unused]] const std::size_t added, index.extend(text, has_writer));
  index.source_.progress = nullptr;
  return index;
}

// Takes over what events.idx tells, if it is the index of this text.
bool EventIndex::adopt(const EventText& text) {
  OwnedFd file(::open(path("events.idx").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (!file || ::fstat(file.get(), &info) < 0) return false;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  IndexHeader header;
  if (size < sizeof header || !read_struct(file.get(), 0, header)) return false;
  if (header != index_header(source_.record_id)) return false;
  IndexTrailer trailer;
  const bool is_finished = size >= sizeof header + sizeof trailer &&
                           read_struct(file.get(), size - sizeof trailer, trailer) &&
                           is_sealed(trailer);
  const bool good = is_finished ? adopt_finished(text, std::move(file), size)
                                : adopt_growing(text, std::move(file), size);
  if (!good) {
    builder_ = IndexBuilder(source_.format_version);
    store_ = IndexStore();
  }
  return good;
}

bool EventIndex::adopt_finished(const EventText& text, OwnedFd file, std::uint64_t size) {
  IndexTrailer trailer;
  if (!read_struct(file.get(), size - sizeof trailer, trailer)) return false;
  const std::uint64_t room = size - sizeof(IndexHeader) - sizeof trailer;
  const bool fits = trailer.count <= room / sizeof(IndexEntry) &&
                    trailer.summary_bytes == room - bytes_of_entries(trailer.count) &&
                    trailer.summary_bytes <= kMaxSummaryBytes && trailer.count <= kMaxIndexedEvents;
  if (!fits) return false;
  // Whoever edits the text by hand leaves the index older than it.
  if (is_before(modified(path("events.idx")), modified(path("events.jsonl")))) return false;
  const Result<std::uint64_t> there = text.size();
  if (!there || *there < trailer.text_bytes) return false;
  const Result<TextProof> proof = prove(text, trailer.text_bytes);
  if (!proof || proof->head != trailer.head_hash || proof->tail != trailer.tail_hash) return false;

  std::string json(static_cast<std::size_t>(trailer.summary_bytes), '\0');
  const std::uint64_t begin = sizeof(IndexHeader) + bytes_of_entries(trailer.count);
  if (!read_exactly(file.get(), begin, json.data(), json.size())) return false;
  if (xxh3_64(json) != trailer.summary_hash) return false;
  std::optional<IndexSummary> summary = parse_summary(json, trailer.count);
  if (!summary) return false;
  store_ = IndexStore(std::move(file), trailer.count);
  IndexEntry last;
  IndexEntry newest;
  if (trailer.count > 0) {
    last = store_.at(trailer.count - 1);
    const auto snapshot = snapshot_before(trailer.count);
    if (snapshot) newest = store_.at(*snapshot);
  }
  if (store_.failed()) return false;
  // Text behind a reordered index cannot be added to it.
  if (summary->reordered && *there > trailer.text_bytes) return false;
  builder_.resume(*std::move(summary), trailer.count, trailer.text_bytes, last, newest);
  is_newer_ = false;
  return true;
}

// What a recorder at work, or one that died, has left: entries only, which are all gone through.
bool EventIndex::adopt_growing(const EventText& text, OwnedFd file, std::uint64_t size) {
  const std::uint64_t count = (size - sizeof(IndexHeader)) / sizeof(IndexEntry);
  const Result<std::uint64_t> there = text.size();
  if (!there || count > kMaxIndexedEvents) return false;
  store_ = IndexStore(std::move(file), count);
  while (builder_.count() < count) {
    const std::vector<IndexEntry> entries = store_.range(builder_.count(), kChunk);
    if (entries.empty()) return false;
    for (const IndexEntry& entry : entries) {
      if (!builder_.resume(entry) || builder_.next_offset() > *there) return false;
    }
  }
  if (count == 0) return true;
  // The last line stands where it is said to.
  const IndexEntry last = store_.at(count - 1);
  std::string line;
  if (!text.read(last.offset, last.length + std::size_t{1}, line)) return false;
  EventHead head;
  return line.ends_with('\n') && read_own_head(line, head) > 0 && raw(head.seq_num) == last.seq_num;
}

// Prepares for making the index of all of the text.
void EventIndex::begin(const EventText& text, bool has_writer) {
  const Result<std::uint64_t> size = text.size();
  if (has_writer || !size || *size < kWorthAFile) return;
  filling_ = begin_file();
  if (filling_.fd) store_ = IndexStore(std::move(filling_.fd));
}

// A file that becomes events.idx when it is done, and holds the header; none when somebody else is
// about that, or the folder cannot be written.
UnfinishedFile EventIndex::begin_file() const {
  const std::string name = path("events.idx.tmp");
  OwnedFd file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) < 0) return {};
  // Between the two calls, somebody may have put that very file in its place.
  struct stat ours = {};
  struct stat theirs = {};
  const bool is_ours = ::fstat(file.get(), &ours) == 0 && ::stat(name.c_str(), &theirs) == 0 &&
                       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
  if (!is_ours) return {};
  UnfinishedFile made(std::move(file), name);
  // What somebody left there goes. Some systems flush a file that was cut when it is closed.
  const bool empty = ours.st_size == 0 || ::ftruncate(made.fd.get(), 0) == 0;
  const bool good =
      empty && write_exactly(made.fd.get(), bytes_of(index_header(source_.record_id)));
  return good ? std::move(made) : UnfinishedFile();
}

// Writes all entries to a new file.
Result<UnfinishedFile> EventIndex::copy_to_file() const {
  UnfinishedFile copy = begin_file();
  bool good = static_cast<bool>(copy.fd);
  for (std::uint64_t at = 0; good && at < size();) {
    const std::vector<IndexEntry> entries = store_.range(at, kChunk);
    good = !entries.empty() && write_exactly(copy.fd.get(), bytes_of(entries));
    at += entries.size();
  }
  if (good) return copy;
  return std::unexpected(system_error(errno, "write " + path("events.idx.tmp")));
}

IndexTrailer trailer_of(const IndexBuilder& builder, const EventText& text) {
  const Result<TextProof> proof = prove(text, builder.next_offset());
  const std::string summary = summary_to_json(builder.summary());
  if (!proof) return {};
  return sealed({.count = builder.count(),
                 .text_bytes = builder.next_offset(),
                 .head_hash = proof->head,
                 .tail_hash = proof->tail,
                 .summary_bytes = summary.size(),
                 .summary_hash = xxh3_64(summary)});
}

Status EventIndex::save(const EventText& text) {
  const bool is_filled = store_.file() >= 0 && store_.flush();
  UnfinishedFile file = std::move(filling_);
  if (!is_filled) {
    AGDB_TRY(file, copy_to_file());
  }
  const int fd = is_filled ? store_.file() : file.fd.get();
  const std::string summary = summary_to_json(builder_.summary());
  const bool good = write_exactly(fd, summary) &&
                    write_exactly(fd, bytes_of(trailer_of(builder_, text))) &&
                    file.keep_as(path("events.idx"));
  if (is_filled) store_.settle();
  if (!good) return std::unexpected(system_error(errno, "write " + path("events.idx")));
  is_newer_ = false;
  return {};
}

Result<std::size_t> EventIndex::extend(const EventText& text, bool has_writer) {
  AGDB_TRY(const std::uint64_t size, text.size());
  if (size < builder_.next_offset()) {
    return fail(Code::kCorrupt, fmt::format("{} has become shorter: {} bytes, {} were read before",
                                            text.path(), size, builder_.next_offset()));
  }
  const std::uint64_t before = store_.size();
  if (size > builder_.next_offset() && builder_.reordered()) {
    builder_ = IndexBuilder(source_.format_version);
    store_ = IndexStore();
  }
  const std::uint64_t covered = builder_.next_offset();
  AGDB_CHECK_OK(take_lines(text, size));
  torn_tail_.reset();
  if (!has_writer) AGDB_CHECK_OK(take_tail(text, size));
  if (!builder_.sorted()) sort();
  is_newer_ = is_newer_ || builder_.next_offset() > covered;
  return static_cast<std::size_t>(store_.size() - before);
}

void EventIndex::tell_progress(std::uint64_t size) const {
  if (source_.progress) source_.progress(builder_.next_offset(), size);
}

// The lines of a long text, by several threads; up to one that is too long, or cannot be read.
Status EventIndex::take_many_lines(const EventText& text, std::uint64_t size) {
  PieceWork<LookWorker> work(text, builder_.next_offset(), size);
  IndexBuilder::Entries entries;
  const auto take_line = [&](std::string_view line) { builder_.take(line, entries); };
  const auto take_whole = [&](const PieceWork<LookWorker>::Piece& piece, std::string_view lines) {
    builder_.take(lines, piece.found, entries);
    store_.append(entries);
    tell_progress(size);
  };
  const auto see = [](std::string_view) {};
  const Status status = take_lines_of(work, kMaxLineBytes, see, take_line, take_whole);
  store_.append(entries);
  return text.compressed() ? Status() : status;
}

Status EventIndex::take_lines(const EventText& text, std::uint64_t size) {
  if (size - builder_.next_offset() > kLongText) AGDB_CHECK_OK(take_many_lines(text, size));
  std::string piece;
  IndexBuilder::Entries entries;
  std::size_t want = kPieceBytes;
  while (builder_.next_offset() < size) {
    const std::uint64_t at = builder_.next_offset();
    const std::uint64_t left = size - at;
    const Status read =
        text.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(want, left)), piece);
    if (!read && !text.compressed()) return read;
    if (!read) {
      // A frame is damaged: the scanner finds out which lines stand in it.
      AGDB_TRY(const bool more, take_line(text, size, entries));
      if (!more) break;
      continue;
    }
    const std::size_t last = piece.rfind('\n');
    if (last != std::string::npos) {
      builder_.take(std::string_view(piece).substr(0, last + 1), entries);
      want = kPieceBytes;
    } else if (piece.size() == left) {
      break;
    } else if (want <= kMaxLineBytes) {
      want *= 2;
    } else {
      AGDB_TRY(const bool more, take_line(text, size, entries));
      if (!more) break;
      want = kPieceBytes;
    }
    store_.append(entries);
    tell_progress(size);
  }
  return {};
}

// The next line in the careful way; false when there is no whole one.
Result<bool> EventIndex::take_line(const EventText& text, std::uint64_t size,
                                   IndexBuilder::Entries& entries) {
  LineScanner lines(text, builder_.next_offset(), builder_.next_line(), size);
  AGDB_TRY(const bool more, lines.next());
  if (!more || (!lines.line().terminated && lines.line().unreadable.empty())) return false;
  builder_.take(lines.line(), entries);
  store_.append(entries);
  return true;
}

// What a writer left behind without an end: a whole line all the same, or half of one.
Status EventIndex::take_tail(const EventText& text, std::uint64_t size) {
  if (builder_.next_offset() == size) return {};
  LineScanner tail(text, builder_.next_offset(), builder_.next_line(), size);
  AGDB_TRY(const bool more, tail.next());
  if (!more) return {};
  if (is_whole(tail.line()) || !tail.line().unreadable.empty()) {
    IndexBuilder::Entries entries;
    builder_.take(tail.line(), entries);
    store_.append(entries);
  } else {
    torn_tail_ = {.offset = tail.line().offset, .length = tail.line().length};
  }
  return {};
}

// In memory: only files of version 1 and damaged ones come to this.
void EventIndex::sort() {
  IndexBuilder::Entries entries = store_.range(0, static_cast<std::size_t>(store_.size()));
  while (entries.size() < store_.size()) {
    const std::vector<IndexEntry> more =
        store_.range(entries.size(), static_cast<std::size_t>(store_.size()));
    if (more.empty()) return;
    entries.insert(entries.end(), more.begin(), more.end());
  }
  builder_.sort(entries);
  filling_ = {};
  store_ = IndexStore();
  store_.append(entries);
}

EventEntry EventIndex::entry(std::uint64_t position) const {
  return public_form(store_.at(position));
}

std::optional<EventEntry> EventIndex::find(SeqNum seq) const {
  const std::uint64_t wanted = raw(seq);
  if (wanted >= 2 && wanted <= size()) {
    // Where nothing is missing, the number tells the position.
    std::array<IndexEntry, 2> there;
    if (!store_.look(wanted - 2, there)) return std::nullopt;
    if (there[0].seq_num < wanted && there[1].seq_num == wanted) return public_form(there[1]);
  }
  const std::uint64_t at = lower_bound(seq);
  if (at == size()) return std::nullopt;
  const EventEntry found = entry(at);
  return found.seq_num == seq ? std::optional(found) : std::nullopt;
}

std::uint64_t EventIndex::lower_bound(SeqNum seq) const {
  const std::uint64_t wanted = raw(seq);
  const std::uint64_t count = size();
  // Where nothing is missing, the number tells the position.
  if (wanted > 0 && wanted <= count && store_.at(wanted - 1).seq_num == wanted &&
      (wanted == 1 || store_.at(wanted - 2).seq_num < wanted))
    return wanted - 1;
  std::uint64_t first = 0;
  std::uint64_t last = count;
  while (first < last) {
    const std::uint64_t middle = first + (last - first) / 2;
    store_.at(middle).seq_num < wanted ? first = middle + 1 : last = middle;
  }
  return first;
}

std::uint64_t EventIndex::upper_bound(SeqNum seq) const {
  const std::uint64_t next = raw(seq) + 1;
  return next == 0 ? size() : lower_bound(static_cast<SeqNum>(next));
}

bool EventIndex::is_snapshot(const IndexEntry& entry) const {
  return entry.type == static_cast<std::uint8_t>(EventType::kContextSnapshot);
}

// The position that a link of an entry at `before` means: always an earlier one.
std::optional<std::uint64_t> EventIndex::follow(std::uint32_t link, std::uint64_t before) const {
  if (link == 0) return std::nullopt;
  if (link <= before && is_snapshot(store_.at(link - 1))) return link - 1;
  store_.mark_failed();
  return std::nullopt;
}

std::optional<std::uint64_t> EventIndex::snapshot_before(std::uint64_t end) const {
  if (end == 0) return std::nullopt;
  const IndexEntry entry = store_.at(end - 1);
  return is_snapshot(entry) ? std::optional(end - 1) : follow(entry.link_a, end - 1);
}

// Goes back from `end` over the runs of other contexts, and at the same time back from the
// context's newest snapshot: one of the two ways is short unless contexts are many and busy.
std::optional<std::uint64_t> EventIndex::snapshot_before(std::uint64_t end, CtxId ctx) const {
  const IndexedContext* const context = builder_.context(ctx);
  if (context == nullptr || context->first >= end) return std::nullopt;
  std::uint64_t newest = context->last;
  std::optional<std::uint64_t> any = snapshot_before(end);
  while (newest >= end && any) {
    const IndexEntry entry = store_.at(*any);
    if (entry.ctx_id == raw(ctx)) return any;
    any = follow(entry.link_a, *any);
    const std::optional<std::uint64_t> same = follow(store_.at(newest).link_b, newest);
    if (!same) return std::nullopt;
    newest = *same;
  }
  return newest < end ? std::optional(newest) : std::nullopt;
}

std::optional<std::uint64_t> EventIndex::last_used_snapshot(std::uint64_t end) const {
  if (end == 0) return std::nullopt;
  const IndexEntry entry = store_.at(end - 1);
  return is_snapshot(entry) ? std::optional(end - 1) : follow(entry.link_b, end - 1);
}

std::optional<std::uint64_t> EventIndex::gap_before(std::uint64_t end) const {
  const std::vector<std::uint32_t>& gaps = builder_.gaps();
  const auto after = std::lower_bound(gaps.begin(), gaps.end(), end);
  return after == gaps.begin() ? std::nullopt : std::optional<std::uint64_t>(*(after - 1));
}

}  // namespace agdb

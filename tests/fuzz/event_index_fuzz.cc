#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/event_line.h"
#include "debug/record/event_scan.h"
#include "debug/record/hash64.h"
#include "debug/record/index_format.h"
#include "debug/record/reader.h"
#include "debug/record/verify.h"

namespace {

using namespace agdb;

constexpr std::string_view kRecordId = "7-1";

// Writes the lines of a recording with contexts, an unknown type, a gap and damage.
class Text {
 public:
  explicit Text(std::string_view first_call) {
    call(first_call, Json::object({{"size", 0}}));
    snapshot(1, {}, {message("hello")});
    call("CtxWrite", Json::object({{"cid", 1}, {"op", "AppendMessage"}}));
    const auto first = static_cast<SeqNum>(seq_ - 1);
    snapshot(1, first, {message("there")});
    snapshot(2, {}, {message("another")});
    call("Read", Json::object({{"data", std::string(200, 'x')}}));
    text_ += "no event\n";
    text_ += R"({"seq_num":9,"type":"dream"})"
             "\n";
    seq_ += 2;
    gap();
    call("CtxRead", Json::object({{"cid", 1}}));
  }
  const std::string& text() const { return text_; }

 private:
  static Message message(std::string content) {
    return {.role = "user", .content = std::move(content)};
  }
  LineHead head() {
    ++seq_;
    return {static_cast<SeqNum>(seq_), seq_, Nanoseconds(static_cast<std::int64_t>(seq_)), Pid{7}};
  }
  void call(std::string_view name, Json args) {
    append_line(text_, head(), Syscall{.name = std::string(name), .args = std::move(args)});
  }
  void snapshot(std::uint64_t ctx, SeqNum base, std::vector<Message> messages) {
    const bool is_full = base == SeqNum{};
    if (is_full) held_.clear();
    for (const Message& each : messages) held_.push_back(hash_of(each));
    RecordedEvent event{.pid = Pid{7}, .type = "context_snapshot"};
    event.n = ++seq_;
    event.seq_num = static_cast<SeqNum>(seq_);
    event.timestamp = Nanoseconds(static_cast<std::int64_t>(seq_));
    ContextSnapshot snapshot;
    snapshot.kind = is_full ? ContextSnapshot::Kind::kFull : ContextSnapshot::Kind::kDelta;
    snapshot.ctx_id = static_cast<CtxId>(ctx);
    snapshot.base = base;
    snapshot.keep = is_full ? 0 : held_.size() - messages.size();
    if (is_full) snapshot.system_prompt = "p";
    snapshot.messages = std::move(messages);
    snapshot.hash = context_hash(xxh3_128("p"), held_).hex();
    event.payload = std::move(snapshot);
    append_line(text_, event);
  }
  void gap() {
    RecordedEvent event{.pid = Pid{7}, .type = "gap"};
    event.seq_num = static_cast<SeqNum>(++seq_);
    event.payload = Gap{.lost_events = 1, .first_n = seq_, .reason = "full"};
    append_line(text_, event);
  }

  std::string text_;
  std::uint64_t seq_ = 0;
  std::vector<Hash128> held_;
};

// A finished recording in a folder, gone at the end of the program; its index is what comes.
class Folder {
 public:
  explicit Folder(std::string text) : text_(std::move(text)) {
    std::string pattern = std::filesystem::temp_directory_path() / "agdb-fuzz-XXXXXX";
    AGDB_ASSERT(::mkdtemp(pattern.data()) != nullptr, pattern);
    path_ = pattern;
    RecordingMetadata metadata;
    metadata.record_id = kRecordId;
    metadata.pid = Pid{7};
    metadata.status = kStatusInterrupted;
    metadata.format_version = 2;
    std::ofstream(path_ + "/metadata.json", std::ios::binary) << metadata_to_json(metadata);
    std::ofstream(path_ + "/events.jsonl", std::ios::binary) << text_;
    const Result<Recording> recording = open();
    for (std::size_t i = 0; i < recording->size(); ++i) lines_.push_back(*recording->line_at(i));
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& text() const { return text_; }
  Result<Recording> open() const {
    Result<Recording> recording = Recording::open(path_);
    AGDB_ASSERT(recording.has_value(), recording.error().message);
    return recording;
  }
  // Whatever the index says: what is read is an event of this recording under its own number, or an
  // error.
  void read_with(const std::string& index) const {
    std::ofstream(path_ + "/events.idx", std::ios::binary) << index;
    const Result<Recording> recording = open();
    AGDB_ASSERT(recording->size() <= lines_.size() + index.size() / sizeof(IndexEntry), "too many");
    for (std::size_t i = 0; i < recording->size(); ++i) read_one(*recording, i);
    Result<EventScan> scan = EventScan::open(*recording);
    while (scan && scan->next()) static_cast<void>(scan->event());
    for (const CtxId ctx : recording->contexts())
      static_cast<void>(recording->context_at(static_cast<SeqNum>(UINT64_MAX), ctx));
    const Result<VerifyReport> report = verify_recording(path_);
    AGDB_ASSERT(report && report->events == lines_.size(), "verify believes the index");
  }

 private:
  void read_one(const Recording& recording, std::size_t at) const {
    const EventEntry entry = recording.entry(at);
    const Result<RecordedEvent> event = recording.event_at(at);
    AGDB_ASSERT(!event || event->seq_num == entry.seq_num, "another event than its entry says");
    std::string line;
    const Result<EventEntry> fetched = recording.fetch(entry.seq_num, line);
    AGDB_ASSERT(!fetched || fetched->seq_num == entry.seq_num, "another line than was asked for");
    const bool is_ours = std::find(lines_.begin(), lines_.end(), line) != lines_.end();
    AGDB_ASSERT(!fetched || is_ours, "a line that is none");
    static_cast<void>(recording.context_at(entry.seq_num));
    static_cast<void>(recording.snapshot_at_or_before(entry.seq_num));
  }

  std::string text_;
  std::string path_;
  std::vector<std::string> lines_;  // of the events
};

template <typename Struct>
void put(std::string& file, std::size_t at, const Struct& value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

// The same file with a header, proofs and hashes that fit, which chance never finds: so that what
// stands behind them is tried too.
std::string mended(std::string file, std::string_view text) {
  if (file.size() < sizeof(IndexHeader)) return file;
  put(file, 0, index_header(kRecordId));
  const std::size_t room = file.size() - sizeof(IndexHeader);
  if (room < sizeof(IndexTrailer)) return file;
  const std::size_t trailer_at = file.size() - sizeof(IndexTrailer);
  IndexTrailer trailer;
  std::memcpy(&trailer, file.data() + trailer_at, sizeof trailer);
  trailer.magic = IndexTrailer().magic;
  trailer.text_bytes = std::min<std::uint64_t>(trailer.text_bytes, text.size());
  const std::string_view covered = text.substr(0, static_cast<std::size_t>(trailer.text_bytes));
  const std::size_t proof = std::min(covered.size(), kIndexProofBytes);
  trailer.head_hash = xxh3_64(covered.substr(0, proof));
  trailer.tail_hash = xxh3_64(covered.substr(covered.size() - proof));
  const std::size_t most = (trailer_at - sizeof(IndexHeader)) / sizeof(IndexEntry);
  trailer.count = std::min<std::uint64_t>(trailer.count, most);
  const std::size_t summary_at =
      sizeof(IndexHeader) + static_cast<std::size_t>(trailer.count) * sizeof(IndexEntry);
  trailer.summary_bytes = trailer_at - summary_at;
  trailer.summary_hash =
      xxh3_64(std::string_view(file).substr(summary_at, trailer_at - summary_at));
  put(file, trailer_at, sealed(trailer));
  return file;
}

// What stands in the file behind a right header, as a recorder that is at work would leave it.
std::string growing(std::string file) {
  if (file.size() < sizeof(IndexHeader)) return file;
  put(file, 0, index_header(kRecordId));
  return file + '\0';
}

}  // namespace

// Whatever stands in events.idx, with the text that it may be of and with another one: opening,
// reading and verifying end and do not crash, and no event is taken for another.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder matching(Text("Open").text());
  static const Folder other(Text("AnotherOpen").text());
  const std::string index(reinterpret_cast<const char*>(data), size);
  for (const Folder* folder : {&matching, &other}) {
    folder->read_with(index);
    folder->read_with(mended(index, folder->text()));
  }
  matching.read_with(growing(index));
  return 0;
}

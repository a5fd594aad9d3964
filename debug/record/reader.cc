#include "debug/record/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "debug/record/context_rebuild.h"
#include "debug/record/event_head.h"
#include "debug/record/event_index.h"
#include "debug/record/event_line.h"
#include "debug/record/event_text.h"
#include "debug/record/recovery.h"
#include "runtime/events/text.h"

namespace agdb {

struct Recording::Impl {
  std::string folder;
  RecordingMetadata metadata;
  EventText text;
  EventIndex index;
  bool live = false;
  std::vector<std::string> notes = {};
  std::string recovery_note = {};  // why the folder is not as recovery leaves it

  Status look_for_writer();
  void settle_interrupted();
  void write_notes();
  Result<EventEntry> find(SeqNum seq) const;
  Result<RecordedEvent> parse(const EventEntry& entry, const std::string& line) const;
  Status read_line(const EventEntry& entry, std::string& line) const;
  std::unexpected<Error> not_there(const EventEntry& entry, SeqNum instead, Nanoseconds time) const;
  std::unexpected<Error> not_there(const EventEntry& entry, std::string_view instead) const;
  std::unexpected<Error> damaged(const EventEntry& entry, std::string_view why) const;
  std::unexpected<Error> index_changed() const;
};

namespace {

// For less text an index is made in a millisecond, and a file is not worth it.
constexpr std::uint64_t kWorthAnIndex = 1 << 20;

std::string plural(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string where(const LineDamage& damage) {
  return fmt::format("line {} (byte {}): {}", damage.line, damage.offset,
                     truncate(to_utf8(damage.why), 200));
}

}  // namespace

// Decides whether a recording in the status "recording" has its writer still, or was left behind.
Status Recording::Impl::look_for_writer() {
  live = metadata.status == kStatusRecording && text.has_writer();
  if (live || metadata.status != kStatusRecording) return {};
  // Its end may have come between reading the status and looking for the writer.
  AGDB_TRY(metadata, read_metadata(folder));
  return {};
}

// What recovery would say, without writing anything.
void Recording::Impl::settle_interrupted() {
  if (live || metadata.status != kStatusRecording) return;
  metadata.status = kStatusInterrupted;
  metadata.event_count = index.size();
}

void Recording::Impl::write_notes() {
  notes.clear();
  const std::uint64_t found = index.size();
  if (live) {
    notes.push_back(fmt::format("it is still being written; {} so far", plural(found, "event")));
  } else if (metadata.status == kStatusInterrupted) {
    notes.push_back(fmt::format("its writer died; {} can be read", plural(found, "event")));
  } else if (metadata.event_count != found) {
    notes.push_back(fmt::format("the metadata counts {}, {} can be read",
                                plural(metadata.event_count, "event"), found));
  }
  if (!recovery_note.empty()) notes.push_back(recovery_note);
  std::error_code none;
  if (const auto torn = std::filesystem::file_size(folder + "/events.torn", none); !none) {
    notes.push_back(fmt::format("{} at its end were no whole line and are in events.torn",
                                plural(torn, "byte")));
  }
  if (const auto& torn = index.torn_tail()) {
    notes.push_back(fmt::format("{} at the end (from byte {}) are no whole line and left out",
                                plural(torn->length, "byte"), torn->offset));
  }
  const auto& damage = index.damage();
  const auto is_skipped = [](const LineDamage& each) { return each.skipped; };
  const auto skipped =
      static_cast<std::uint64_t>(std::count_if(damage.begin(), damage.end(), is_skipped));
  if (skipped > 0) {
    notes.push_back(fmt::format("{} cannot be read and left out; the first is {}",
                                plural(skipped, "line"),
                                where(*std::find_if(damage.begin(), damage.end(), is_skipped))));
  }
  if (skipped < damage.size()) {
    notes.push_back(fmt::format(
        "{} out of order or missing; the first is {}", plural(damage.size() - skipped, "number"),
        where(*std::find_if_not(damage.begin(), damage.end(), is_skipped))));
  }
  if (metadata.lost_events > 0) {
    notes.push_back(fmt::format("{} lost while it was recorded (see its gap events)",
                                plural(metadata.lost_events, "event")));
  }
  for (const auto& [type, count] : index.unknown_types()) {
    notes.push_back(fmt::format("{} of a type that this version does not know: \"{}\"",
                                plural(count, "event"), truncate(to_utf8(type), 60)));
  }
  if (const std::uint64_t lone = index.parse_notes().lone_surrogates; lone > 0)
    notes.push_back(fmt::format("{} read as U+FFFD", plural(lone, "lone surrogate")));
}

Result<EventEntry> Recording::Impl::find(SeqNum seq) const {
  const std::optional<EventEntry> entry = index.find(seq);
  if (entry) return *entry;
  if (index.failed()) return index_changed();
  return fail(Code::kNotFound, fmt::format("event with SeqNum {} not found", raw(seq)));
}

// The line of which the index tells that, understood.
Result<RecordedEvent> Recording::Impl::parse(const EventEntry& entry,
                                             const std::string& line) const {
  Result<RecordedEvent> event = parse_line(line);
  if (event && event->seq_num == entry.seq_num && event->timestamp == entry.timestamp) return event;
  if (!event) return damaged(entry, event.error().message);
  return not_there(entry, event->seq_num, event->timestamp);
}

// The line that an entry of the index tells of, without its end, which is seen to be there.
Status Recording::Impl::read_line(const EventEntry& entry, std::string& line) const {
  const bool has_end = entry.offset + entry.length < index.text_bytes();
  AGDB_CHECK_OK(text.read(entry.offset, entry.length + std::size_t{has_end}, line));
  if (index.failed()) return index_changed();
  if (has_end) {
    if (line.back() != '\n' && line.back() != '\r') return not_there(entry, "no line ends there");
    line.pop_back();
  }
  return {};
}

std::unexpected<Error> Recording::Impl::not_there(const EventEntry& entry, SeqNum instead,
                                                  Nanoseconds time) const {
  return not_there(entry, fmt::format("event {} of time {} is", raw(instead), time.count()));
}

// The entry stands in the index, but not in the text.
std::unexpected<Error> Recording::Impl::not_there(const EventEntry& entry,
                                                  std::string_view instead) const {
  return fail(Code::kCorrupt,
              fmt::format("event {} is no longer at byte {} of {}: {}", raw(entry.seq_num),
                          entry.offset, text.path(), instead),
              "the file was changed while it was open, or its events.idx is wrong; open it again, "
              "or remove events.idx");
}

std::unexpected<Error> Recording::Impl::damaged(const EventEntry& entry,
                                                std::string_view why) const {
  return fail(Code::kCorrupt,
              fmt::format("event {} (byte {} of {}) cannot be read: {}", raw(entry.seq_num),
                          entry.offset, text.path(), why),
              "`agdb verify` tells what is damaged");
}

std::unexpected<Error> Recording::Impl::index_changed() const {
  return fail(Code::kCorrupt, fmt::format("{}/events.idx was changed while it was open", folder),
              "open it again");
}

Result<Recording> Recording::open(const std::string& folder, TextProgress progress) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  AGDB_TRY(EventText text, EventText::open(folder));
  const bool live = metadata.status == kStatusRecording && text.has_writer();
  // Its end may have come between reading the status and looking for the writer.
  if (!live && metadata.status == kStatusRecording) {
    AGDB_TRY(metadata, read_metadata(folder));
  }
  std::string recovery_note;
  if (!live && metadata.status == kStatusRecording && metadata.format_version >= 2) {
    FileSystem files;
    Result<RecoveryReport> report = recover_recording(files, folder);
    // Where the folder cannot be written, the same is done in memory.
    if (!report) recovery_note = "nothing was changed: " + report.error().message;
    AGDB_TRY(metadata, read_metadata(folder));
  }
  const EventIndex::Source source{.folder = folder,
                                  .record_id = metadata.record_id,
                                  .format_version = metadata.format_version,
                                  .progress = std::move(progress)};
  AGDB_TRY(EventIndex index, EventIndex::open(text, source, live));
  // Where the folder cannot be written, the index is made again the next time.
  const bool is_large = index.text_bytes() >= kWorthAnIndex;
  if (!live && index.is_newer_than_file() && is_large) static_cast<void>(index.save(text));
  auto impl = std::make_unique<Impl>(
      Impl{folder, std::move(metadata), std::move(text), std::move(index), live});
  impl->settle_interrupted();
  impl->recovery_note = std::move(recovery_note);
  impl->write_notes();
  return Recording(std::move(impl));
}

Recording::Recording(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;
Recording::~Recording() = default;

const std::string& Recording::folder() const {
  return impl_->folder;
}
const RecordingMetadata& Recording::metadata() const {
  return impl_->metadata;
}
std::size_t Recording::size() const {
  return impl_->index.size();
}

EventEntry Recording::entry(std::size_t index) const {
  AGDB_ASSERT(index < size(), fmt::format("entry {} of {}", index, size()));
  return impl_->index.entry(index);
}

Result<std::string> Recording::line_at(std::size_t index) const {
  std::string line;
  AGDB_CHECK_OK(impl_->read_line(entry(index), line));
  return line;
}

Result<RecordedEvent> Recording::event_at(std::size_t index) const {
  const EventEntry at = entry(index);
  std::string line;
  AGDB_CHECK_OK(impl_->read_line(at, line));
  return impl_->parse(at, line);
}

Result<EventEntry> Recording::fetch(SeqNum seq, std::string& line) const {
  AGDB_TRY(const EventEntry at, impl_->find(seq));
  AGDB_CHECK_OK(impl_->read_line(at, line));
  EventHead head;
  if (read_own_head(line, head) > 0) {
    if (head.seq_num == at.seq_num && head.timestamp == at.timestamp) return at;
    return impl_->not_there(at, head.seq_num, head.timestamp);
  }
  AGDB_TRY([[maybe_unused]] const RecordedEvent event, impl_->parse(at, line));
  return at;
}

Result<RecordedEvent> Recording::event(SeqNum seq) const {
  AGDB_TRY(const EventEntry at, impl_->find(seq));
  std::string line;
  AGDB_CHECK_OK(impl_->read_line(at, line));
  return impl_->parse(at, line);
}

std::optional<std::size_t> Recording::index_of(SeqNum seq) const {
  const std::size_t at = impl_->index.lower_bound(seq);
  if (at == size() || impl_->index.entry(at).seq_num != seq) return std::nullopt;
  return at;
}

std::pair<std::size_t, std::size_t> Recording::range(SeqNum from, SeqNum to) const {
  const std::size_t first = impl_->index.lower_bound(from);
  return {first, std::max(first, impl_->index.upper_bound(to))};
}

bool Recording::has_snapshots() const {
  return !impl_->index.contexts().empty();
}

std::vector<CtxId> Recording::contexts() const {
  std::vector<CtxId> ids;
  for (const IndexedContext& context : impl_->index.contexts()) ids.push_back(context.ctx_id);
  return ids;
}

std::optional<std::size_t> Recording::snapshot_at_or_before(SeqNum seq,
                                                            std::optional<CtxId> ctx) const {
  const EventIndex& index = impl_->index;
  const std::uint64_t end = index.upper_bound(seq);
  return ctx ? index.snapshot_before(end, *ctx) : index.snapshot_before(end);
}

Result<RestoredContext> Recording::context_at(SeqNum seq, std::optional<CtxId> ctx) const {
  const std::size_t end = impl_->index.upper_bound(seq);
  const std::optional<std::size_t> snapshot =
      ctx ? snapshot_at_or_before(seq, ctx) : impl_->index.last_used_snapshot(end);
  if (impl_->index.failed()) return impl_->index_changed();
  if (!snapshot)
    return fail(Code::kNotFound,
                fmt::format("no context snapshot found before SeqNum {}", raw(seq)));
  AGDB_TRY(RestoredContext context, rebuild_context(*this, *snapshot));
  if (const auto gap = impl_->index.gap_before(end); gap && *gap > *snapshot)
    context.gap = entry(*gap).seq_num;
  return context;
}

const std::vector<LineDamage>& Recording::damage() const {
  return impl_->index.damage();
}
const std::optional<TornTail>& Recording::torn_tail() const {
  return impl_->index.torn_tail();
}
const std::map<std::string, std::uint64_t>& Recording::unknown_types() const {
  return impl_->index.unknown_types();
}
const std::vector<std::string>& Recording::notes() const {
  return impl_->notes;
}
bool Recording::live() const {
  return impl_->live;
}

Result<std::size_t> Recording::refresh() {
  if (!impl_->live) return 0;
  // The writer first: what it wrote before it ended is there when the text is read after.
  AGDB_TRY(impl_->metadata, read_metadata(impl_->folder));
  AGDB_CHECK_OK(impl_->look_for_writer());
  AGDB_TRY(const std::size_t added, impl_->index.extend(impl_->text, impl_->live));
  impl_->settle_interrupted();
  impl_->write_notes();
  return added;
}

}  // namespace agdb

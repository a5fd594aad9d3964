#include "debug/record/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/record/context_rebuild.h"
#include "debug/record/event_index.h"
#include "debug/record/event_line.h"
#include "debug/record/event_text.h"
#include "runtime/events/text.h"

namespace agdb {

struct Recording::Impl {
  std::string folder;
  RecordingMetadata metadata;
  EventText text;
  EventIndex index;
  bool live = false;
  std::vector<std::string> notes = {};

  Status look_for_writer();
  void settle_interrupted();
  void write_notes();
  Result<RecordedEvent> parse(std::size_t at, const std::string& line) const;
};

namespace {

std::string plural(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string where(const LineDamage& damage) {
  return fmt::format("line {} (byte {}): {}", damage.line, damage.offset,
                     truncate(to_utf8(damage.why), 200));
}

// The position in an ascending list of the last element below `limit`.
std::optional<std::size_t> last_below(const std::vector<std::size_t>& list, std::size_t limit) {
  const auto after = std::lower_bound(list.begin(), list.end(), limit);
  return after == list.begin() ? std::nullopt : std::optional(*(after - 1));
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
  metadata.event_count = index.entries().size();
}

void Recording::Impl::write_notes() {
  notes.clear();
  const std::uint64_t found = index.entries().size();
  if (live) {
    notes.push_back(fmt::format("it is still being written; {} so far", plural(found, "event")));
  } else if (metadata.status == kStatusInterrupted) {
    notes.push_back(fmt::format("its writer died; {} can be read", plural(found, "event")));
  } else if (metadata.event_count != found) {
    notes.push_back(fmt::format("the metadata counts {}, {} can be read",
                                plural(metadata.event_count, "event"), found));
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

// The line that the index says stands at `at`, understood.
Result<RecordedEvent> Recording::Impl::parse(std::size_t at, const std::string& line) const {
  const EventEntry& entry = index.entries()[at];
  Result<RecordedEvent> event = parse_line(line);
  if (event && event->seq_num == entry.seq_num) return event;
  return fail(
      Code::kCorrupt,
      fmt::format("event {} is no longer at byte {} of {}: {}", raw(entry.seq_num), entry.offset,
                  text.path(),
                  event ? fmt::format("event {} is", raw(event->seq_num)) : event.error().message),
      "the file was changed while it was open; open it again");
}

Result<Recording> Recording::open(const std::string& folder) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  AGDB_TRY(EventText text, EventText::open(folder));
  const std::int64_t version = metadata.format_version;
  auto impl = std::make_unique<Impl>(
      Impl{folder, std::move(metadata), std::move(text), EventIndex(version)});
  AGDB_CHECK_OK(impl->look_for_writer());
  AGDB_CHECK_OK(impl->index.extend(impl->text, impl->live));
  impl->settle_interrupted();
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
  return impl_->index.entries().size();
}

EventEntry Recording::entry(std::size_t index) const {
  AGDB_ASSERT(index < size(), fmt::format("entry {} of {}", index, size()));
  return impl_->index.entries()[index];
}

Result<std::string> Recording::line_at(std::size_t index) const {
  const EventEntry at = entry(index);
  std::string line;
  AGDB_CHECK_OK(impl_->text.read(at.offset, at.length, line));
  return line;
}

Result<RecordedEvent> Recording::event_at(std::size_t index) const {
  AGDB_TRY(const std::string line, line_at(index));
  return impl_->parse(index, line);
}

Result<RecordedEvent> Recording::event(SeqNum seq) const {
  const std::optional<std::size_t> index = index_of(seq);
  if (!index) return fail(Code::kNotFound, fmt::format("event with SeqNum {} not found", raw(seq)));
  return event_at(*index);
}

std::optional<std::size_t> Recording::index_of(SeqNum seq) const {
  const std::size_t at = impl_->index.lower_bound(seq);
  if (at == size() || impl_->index.entries()[at].seq_num != seq) return std::nullopt;
  return at;
}

std::pair<std::size_t, std::size_t> Recording::range(SeqNum from, SeqNum to) const {
  const std::size_t first = impl_->index.lower_bound(from);
  return {first, std::max(first, impl_->index.upper_bound(to))};
}

bool Recording::has_snapshots() const {
  return !impl_->index.snapshots().empty();
}
std::vector<CtxId> Recording::contexts() const {
  return impl_->index.contexts();
}

std::optional<std::size_t> Recording::snapshot_at_or_before(SeqNum seq,
                                                            std::optional<CtxId> ctx) const {
  const EventIndex& index = impl_->index;
  return last_below(ctx ? index.snapshots_of(*ctx) : index.snapshots(), index.upper_bound(seq));
}

Result<RestoredContext> Recording::context_at(SeqNum seq, std::optional<CtxId> ctx) const {
  const std::size_t end = impl_->index.upper_bound(seq);
  const std::optional<std::size_t> snapshot =
      ctx ? snapshot_at_or_before(seq, ctx) : impl_->index.last_used_snapshot(end);
  if (!snapshot)
    return fail(Code::kNotFound,
                fmt::format("no context snapshot found before SeqNum {}", raw(seq)));
  AGDB_TRY(RestoredContext context, rebuild_context(*this, *snapshot));
  if (const auto gap = last_below(impl_->index.gaps(), end); gap && *gap > *snapshot)
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

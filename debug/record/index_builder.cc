#include "debug/record/index_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "debug/record/event_line.h"

namespace agdb {
namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

IndexEntry entry_of(const EventHead& head, std::uint64_t offset, std::size_t length,
                    std::uint8_t flags) {
  return {.offset = offset,
          .seq_num = raw(head.seq_num),
          .timestamp = head.timestamp.count(),
          .ctx_id = raw(head.ctx_id),
          .length = static_cast<std::uint32_t>(length),
          .type = static_cast<std::uint8_t>(head.type),
          .flags = flags};
}

IndexEntry any_form_entry(std::string_view line, std::uint64_t offset, const char* readable_end) {
  const IndexEntry unjudged{.offset = offset, .type = kUnjudgedType};
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > kMaxLineBytes) return unjudged;
  const auto readable = static_cast<std::size_t>(readable_end - line.data());
  const std::optional<EventHead> head = read_any_head(line, readable);
  return head ? entry_of(*head, offset, line.size(), 0) : unjudged;
}

}  // namespace

IndexEntry own_form_entry(const EventHead& head, std::uint64_t offset, std::size_t length) {
  return entry_of(head, offset, length, IndexEntry::kOwnForm);
}

void look_at_lines(std::uint64_t offset, std::string_view lines, std::vector<IndexEntry>& out,
                   const char* readable_end) {
  const char* at = lines.data();
  const char* const end = at + lines.size();
  if (readable_end == nullptr) readable_end = end;
  EventHead head;
  while (at < end) {
    const std::size_t seen = read_own_head({at, static_cast<std::size_t>(end - at)}, head);
    const void* const found =
        std::memchr(at + seen, '\n', static_cast<std::size_t>(end - at) - seen);
    const char* const feed = found == nullptr ? end : static_cast<const char*>(found);
    const auto length = static_cast<std::size_t>(feed - at);
    if (seen > 0 && feed[-1] == '}' && length <= kMaxLineBytes) {
      out.push_back(own_form_entry(head, offset, length));
    } else {
      out.push_back(any_form_entry({at, length}, offset, readable_end));
    }
    offset += length + 1;
    at = feed + 1;
  }
}

void IndexBuilder::take(std::string_view lines, Entries& out) {
  seen_.clear();
  look_at_lines(next_offset_, lines, seen_);
  take(lines, seen_, out);
}

void IndexBuilder::take(std::string_view lines, const Entries& seen, Entries& out) {
  const std::uint64_t begin = next_offset_;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    next_offset_ = seen[i].offset;
    if (seen[i].type != kUnjudgedType) {
      add(seen[i], out);
    } else {
      const std::string_view rest = lines.substr(static_cast<std::size_t>(next_offset_ - begin));
      take_slowly(rest.substr(0, rest.find('\n')), out);
    }
    ++next_line_;
  }
  next_offset_ = begin + lines.size();
}

void IndexBuilder::take_slowly(std::string_view line, Entries& out) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (is_blank(line)) return;
  if (line.size() > kMaxLineBytes) {
    return skip(line.size(),
                fmt::format("a line of {} bytes; the limit is {}", line.size(), kMaxLineBytes));
  }
  const Result<RecordedEvent> event = parse_line(line, &notes_);
  if (!event) return skip(line.size(), event.error().message);
  if (event->event_type() == EventType::kOther) ++unknown_types_[event->type];
  add(entry_of(head_of(*event), next_offset_, line.size(), 0), out);
}

void IndexBuilder::take(const LineScanner::Line& line, Entries& out) {
  if (!line.unreadable.empty()) {
    skip(line.length, line.unreadable);
  } else if (line.too_long) {
    skip(line.length,
         fmt::format("a line of {} bytes; the limit is {}", line.length, kMaxLineBytes));
  } else if (!line.blank) {
    take_slowly(line.text, out);
  }
  ++next_line_;
  next_offset_ = line.end;
}

// The entry of the line at next_offset(), without its links.
void IndexBuilder::add(const IndexEntry& seen, Entries& out) {
  if (count_ >= kMaxIndexedEvents) return skip(seen.length, "more events than can be indexed");
  const std::optional<std::string> wrong = numbers_.next(static_cast<SeqNum>(seen.seq_num));
  if (wrong && format_version_ >= 2) note(seen.length, *wrong, false);
  sorted_ = sorted_ && (count_ == 0 || last_seq_ <= seen.seq_num);
  last_seq_ = seen.seq_num;
  skipped_ = 0;
  link(out.emplace_back(seen));
}

// Sets the entry's links, and takes it for the newest.
void IndexBuilder::link(IndexEntry& entry) {
  const auto position = static_cast<std::uint32_t>(count_++);
  const auto type = static_cast<EventType>(entry.type);
  const auto ctx = static_cast<CtxId>(entry.ctx_id);
  if (type == EventType::kContextSnapshot) {
    const auto [known, is_new] = context_at_.try_emplace(ctx, contexts_.size());
    if (is_new) contexts_.push_back({.ctx_id = ctx, .first = position, .last = position});
    IndexedContext& context = contexts_[known->second];
    if (newest_ctx_ != entry.ctx_id) newest_of_other_ = newest_snapshot_;
    entry.link_a = newest_of_other_;
    entry.link_b = is_new ? 0 : static_cast<std::uint32_t>(context.last + 1);
    context.last = position;
    newest_snapshot_ = newest_used_ = position + 1;
    newest_ctx_ = entry.ctx_id;
    return;
  }
  if (entry.ctx_id != 0) {
    const auto known = context_at_.find(ctx);
    if (known != context_at_.end())
      newest_used_ = static_cast<std::uint32_t>(contexts_[known->second].last + 1);
  }
  if (type == EventType::kGap) gaps_.push_back(position);
  entry.link_a = newest_snapshot_;
  entry.link_b = newest_used_;
}

void IndexBuilder::skip(std::uint64_t length, std::string why) {
  numbers_.skip_line();
  ++skipped_;
  note(length, std::move(why), true);
}

void IndexBuilder::note(std::uint64_t length, std::string why, bool skipped) {
  damage_.push_back({.line = next_line_,
                     .offset = next_offset_,
                     .length = length,
                     .why = std::move(why),
                     .skipped = skipped});
}

bool IndexBuilder::resume(const IndexEntry& entry) {
  const bool fits = entry.offset == next_offset_ && entry.seq_num == count_ + 1 &&
                    entry.length > 0 && entry.length <= kMaxLineBytes && entry.type > 0 &&
                    entry.type <= static_cast<std::uint8_t>(EventType::kGap) && entry.zero == 0 &&
                    entry.flags == IndexEntry::kOwnForm && count_ < kMaxIndexedEvents;
  if (!fits) return false;
  IndexEntry linked = entry;
  link(linked);
  numbers_.next(static_cast<SeqNum>(entry.seq_num));
  last_seq_ = entry.seq_num;
  next_offset_ += entry.length + std::uint64_t{1};
  ++next_line_;
  return linked == entry;
}

void IndexBuilder::resume(IndexSummary summary, std::uint64_t count, std::uint64_t text_bytes,
                          const IndexEntry& last, const IndexEntry& newest) {
  count_ = count;
  next_offset_ = text_bytes;
  next_line_ = summary.next_line;
  reordered_ = summary.reordered;
  skipped_ = summary.skipped_lines;
  if (count > 0) {
    last_seq_ = last.seq_num;
    numbers_.next(static_cast<SeqNum>(last.seq_num));
    const bool is_snapshot = static_cast<EventType>(last.type) == EventType::kContextSnapshot;
    const auto position = static_cast<std::uint32_t>(count);
    newest_snapshot_ = is_snapshot ? position : last.link_a;
    newest_used_ = is_snapshot ? position : last.link_b;
    newest_ctx_ = newest.ctx_id;
    newest_of_other_ = newest.link_a;
  }
  for (std::uint64_t i = 0; i < skipped_; ++i) numbers_.skip_line();
  contexts_ = std::move(summary.contexts);
  for (std::size_t i = 0; i < contexts_.size(); ++i) context_at_.emplace(contexts_[i].ctx_id, i);
  gaps_ = std::move(summary.gaps);
  damage_ = std::move(summary.damage);
  unknown_types_ = std::move(summary.unknown_types);
  notes_ = {.invalid_utf8 = summary.invalid_utf8, .lone_surrogates = summary.lone_surrogates};
}

void IndexBuilder::sort(Entries& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const IndexEntry& a, const IndexEntry& b) { return a.seq_num < b.seq_num; });
  count_ = 0;
  newest_snapshot_ = newest_of_other_ = newest_used_ = 0;
  newest_ctx_ = 0;
  contexts_.clear();
  context_at_.clear();
  gaps_.clear();
  for (IndexEntry& entry : entries) link(entry);
  reordered_ = true;
}

const IndexedContext* IndexBuilder::context(CtxId ctx) const {
  const auto known = context_at_.find(ctx);
  return known == context_at_.end() ? nullptr : &contexts_[known->second];
}

IndexSummary IndexBuilder::summary() const {
  return {.next_line = next_line_,
          .skipped_lines = skipped_,
          .reordered = reordered_,
          .contexts = contexts_,
          .gaps = gaps_,
          .damage = damage_,
          .unknown_types = unknown_types_,
          .invalid_utf8 = notes_.invalid_utf8,
          .lone_surrogates = notes_.lone_surrogates};
}

}  // namespace agdb

#include "debug/record/event_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/record/event_line.h"

namespace agdb {
namespace {

// The context that the event shows or names; 0 = none.
CtxId context_of(const RecordedEvent& event) {
  if (const auto* snapshot = std::get_if<ContextSnapshot>(&event.payload)) return snapshot->ctx_id;
  const auto* call = std::get_if<Syscall>(&event.payload);
  if (call == nullptr || (call->name != "CtxRead" && call->name != "CtxWrite")) return {};
  return static_cast<CtxId>(call->args["cid"].to_uint().value_or(0));
}

}  // namespace

Result<std::size_t> EventIndex::extend(const EventText& text, bool has_writer) {
  AGDB_TRY(const std::uint64_t size, text.size());
  if (size < next_offset_) {
    return fail(Code::kCorrupt, fmt::format("{} has become shorter: {} bytes, {} were read before",
                                            text.path(), size, next_offset_));
  }
  const std::size_t before = entries_.size();
  LineScanner lines(text, next_offset_, next_line_, size);
  while (true) {
    AGDB_TRY(const bool more, lines.next());
    if (!more) break;
    const LineScanner::Line& line = lines.line();
    if (line.terminated) {
      take(line);
    } else if (!has_writer) {
      take_tail(line);
    }
  }
  if (!sorted_) sort();
  return entries_.size() - before;
}

void EventIndex::take(const LineScanner::Line& line) {
  next_offset_ = line.end;
  next_line_ = line.number + 1;
  if (line.too_long) {
    return skip(line,
                fmt::format("a line of {} bytes; the limit is {}", line.length, kMaxLineBytes));
  }
  if (line.blank) return;
  const Result<RecordedEvent> event = parse_line(line.text, &parse_notes_);
  if (event) {
    add(line, *event);
  } else {
    skip(line, event.error().message);
  }
}

// What a writer left behind without an end: a whole line all the same, or half of one.
void EventIndex::take_tail(const LineScanner::Line& line) {
  if (is_whole(line)) return take(line);
  torn_tail_ = {.offset = line.offset, .length = line.length};
}

void EventIndex::add(const LineScanner::Line& line, const RecordedEvent& event) {
  const std::optional<std::string> wrong = numbers_.next(event.seq_num);
  if (wrong && format_version_ >= 2) note(line, *wrong, false);
  sorted_ = sorted_ && (entries_.empty() || entries_.back().seq_num <= event.seq_num);
  entries_.push_back({.offset = line.offset,
                      .length = static_cast<std::uint32_t>(line.length),
                      .type = event.event_type(),
                      .seq_num = event.seq_num,
                      .timestamp = event.timestamp,
                      .ctx_id = context_of(event)});
  if (event.event_type() == EventType::kOther) ++unknown_types_[event.type];
  if (sorted_) list(entries_.size() - 1);
}

void EventIndex::skip(const LineScanner::Line& line, std::string why) {
  numbers_.skip_line();
  note(line, std::move(why), true);
}

void EventIndex::note(const LineScanner::Line& line, std::string why, bool skipped) {
  damage_.push_back({.line = line.number,
                     .offset = line.offset,
                     .length = line.length,
                     .why = std::move(why),
                     .skipped = skipped});
}

// Notes the entry in the lists by kind.
void EventIndex::list(std::size_t index) {
  const EventEntry& entry = entries_[index];
  if (entry.type == EventType::kContextSnapshot) {
    std::vector<std::size_t>& same = snapshots_of_[entry.ctx_id];
    if (same.empty()) contexts_.push_back(entry.ctx_id);
    same.push_back(index);
    snapshots_.push_back(index);
  }
  if (entry.type == EventType::kContextSnapshot || entry.ctx_id != CtxId{})
    context_uses_.push_back(index);
  if (entry.type == EventType::kGap) gaps_.push_back(index);
}

void EventIndex::sort() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const EventEntry& a, const EventEntry& b) { return a.seq_num < b.seq_num; });
  snapshots_.clear();
  snapshots_of_.clear();
  contexts_.clear();
  context_uses_.clear();
  gaps_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) list(i);
  sorted_ = true;
}

std::size_t EventIndex::lower_bound(SeqNum seq) const {
  const auto at = std::partition_point(entries_.begin(), entries_.end(),
                                       [&](const EventEntry& each) { return each.seq_num < seq; });
  return static_cast<std::size_t>(at - entries_.begin());
}

std::size_t EventIndex::upper_bound(SeqNum seq) const {
  const auto at = std::partition_point(entries_.begin(), entries_.end(),
                                       [&](const EventEntry& each) { return each.seq_num <= seq; });
  return static_cast<std::size_t>(at - entries_.begin());
}

std::optional<std::size_t> EventIndex::last_used_snapshot(std::size_t end) const {
  auto use = std::lower_bound(context_uses_.begin(), context_uses_.end(), end);
  while (use != context_uses_.begin()) {
    --use;
    const EventEntry& entry = entries_[*use];
    if (entry.type == EventType::kContextSnapshot) return *use;
    const std::vector<std::size_t>& same = snapshots_of(entry.ctx_id);
    const auto after = std::lower_bound(same.begin(), same.end(), *use);
    if (after != same.begin()) return *(after - 1);
  }
  return std::nullopt;
}

const std::vector<std::size_t>& EventIndex::snapshots_of(CtxId ctx) const {
  static const std::vector<std::size_t> kNone;
  const auto found = snapshots_of_.find(ctx);
  return found == snapshots_of_.end() ? kNone : found->second;
}

}  // namespace agdb

#include "debug/replay/replay_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "debug/replay/recorded_subjects.h"
#include "debug/replay/replay_line.h"
#include "debug/replay/restorer.h"
#include "runtime/events/text.h"

namespace agdb {

namespace {

std::unexpected<Error> not_started() {
  return fail(Code::kInvalid, "replay: no current event (not started)",
              "go to an event first, with next or goto");
}

std::unexpected<Error> no_such_event(SeqNum seq, std::string_view who) {
  return fail(Code::kNotFound, fmt::format("{}event with SeqNum {} not found", who, raw(seq)));
}

}  // namespace

Result<RecordedEvent> ReplaySession::next() {
  const std::size_t index = cursor_ ? *cursor_ + 1 : 0;
  if (index >= recording_->size()) {
    return fail(Code::kExhausted, "replay: already at end of recording");
  }
  return move_to(index);
}

Result<RecordedEvent> ReplaySession::prev() {
  if (cursor_.value_or(0) == 0) {
    return fail(Code::kExhausted, "replay: already at beginning of recording");
  }
  return move_to(*cursor_ - 1);
}

Result<RecordedEvent> ReplaySession::go_to(SeqNum seq) {
  const std::optional<std::size_t> index = recording_->index_of(seq);
  if (!index) return no_such_event(seq, "replay: ");
  return move_to(*index);
}

// Events are in the order in which they ended, so their times may step back, and no binary search
// finds them.
Result<RecordedEvent> ReplaySession::go_to_time(Nanoseconds time) {
  for (std::size_t index = recording_->size(); index > 0; --index) {
    if (recording_->entry(index - 1).timestamp <= time) return move_to(index - 1);
  }
  return fail(Code::kNotFound,
              fmt::format("replay: no event at or before +{}", format_duration(time)));
}

Result<RecordedEvent> ReplaySession::go_to_first() {
  if (recording_->empty()) return fail(Code::kNotFound, "replay: recording is empty");
  return move_to(0);
}

Result<RecordedEvent> ReplaySession::go_to_last() {
  if (recording_->empty()) return fail(Code::kNotFound, "replay: recording is empty");
  return move_to(recording_->size() - 1);
}

Result<RecordedEvent> ReplaySession::current() const {
  if (!cursor_) return not_started();
  return recording_->event_at(*cursor_);
}

ReplayPosition ReplaySession::position() const {
  return {cursor_ ? static_cast<std::int64_t>(*cursor_) : -1, recording_->size()};
}

Result<std::vector<ReplayListItem>> ReplaySession::list(std::size_t reach) const {
  std::vector<ReplayListItem> items;
  if (!cursor_) return items;
  const std::size_t first = *cursor_ - std::min(reach, *cursor_);
  const std::size_t last = *cursor_ + std::min(reach, recording_->size() - 1 - *cursor_);
  items.reserve(last - first + 1);
  for (std::size_t index = first; index <= last; ++index) {
    AGDB_TRY(RecordedEvent event, recording_->event_at(index));
    items.push_back({std::move(event), index == *cursor_});
  }
  return items;
}

SearchResult ReplaySession::find(SearchDirection direction, const EventPredicate& wanted) {
  SearchResult result;
  const auto try_at = [&](std::size_t index) {
    Result<RecordedEvent> event = recording_->event_at(index);
    if (!event) {
      ++result.unreadable;
    } else if (wanted(*event)) {
      cursor_ = index;
      result.event = *std::move(event);
    }
    return result.event.has_value();
  };
  if (direction == SearchDirection::kForward) {
    for (std::size_t at = cursor_ ? *cursor_ + 1 : 0; at < recording_->size(); ++at) {
      if (try_at(at)) break;
    }
  } else {
    for (std::size_t at = cursor_.value_or(0); at > 0; --at) {
      if (try_at(at - 1)) break;
    }
  }
  return result;
}

SearchResult ReplaySession::find(SearchDirection direction, const Filter& filter) {
  const bool forward = direction == SearchDirection::kForward;
  const std::size_t begin = forward && cursor_ ? *cursor_ + 1 : 0;
  const std::size_t end = forward ? recording_->size() : cursor_.value_or(0);
  SearchResult result;
  std::size_t found_at = 0;
  RecordedSubjects subjects;
  for (std::size_t at = 0; at < end; ++at) {
    Result<RecordedEvent> event = recording_->event_at(at);
    if (!event) {
      ++result.unreadable;
      continue;
    }
    if (!filter.matches(subjects.subject(*event)) || at < begin) continue;
    found_at = at;
    result.event = *std::move(event);
    if (forward) break;
  }
  if (result.event) cursor_ = found_at;
  return result;
}

Result<ContextDiff> ReplaySession::diff(SeqNum from, SeqNum to) const {
  return diff_contexts(*recording_, {from}, {to});
}

Result<ContextDiff> ReplaySession::diff_from_cursor(SeqNum to) const {
  AGDB_TRY(const SeqNum from, current_seq());
  return diff(from, to);
}

Result<ForkContext> ReplaySession::fork() const {
  AGDB_TRY(const SeqNum seq, current_seq());
  return restore(*recording_, seq);
}

Result<ForkContext> ReplaySession::fork_at(SeqNum seq) const {
  if (!recording_->index_of(seq)) return no_such_event(seq, "replay: record_reader: ");
  return restore(*recording_, seq);
}

Result<RecordedEvent> ReplaySession::move_to(std::size_t index) {
  Result<RecordedEvent> event = recording_->event_at(index);
  if (event) cursor_ = index;
  return event;
}

Result<SeqNum> ReplaySession::current_seq() const {
  if (!cursor_) return not_started();
  return recording_->entry(*cursor_).seq_num;
}

EventPredicate contains_text(std::string_view text) {
  return [wanted = to_lower_ascii(text)](const RecordedEvent& event) {
    return to_lower_ascii(replay_line(event, {.verbose = true})).find(wanted) != std::string::npos;
  };
}

}  // namespace agdb

#include "ipc/api/event_pages.h"

#include <utility>

#include "debug/secrets/mask.h"

namespace agdb {

// A filter may ask for what follows from the events before (a descriptor's path), so with one all
// events are gone through.
EventPages::EventPages(Recording recording, Wanted wanted)
    : recording_(std::move(recording)), wanted_(std::move(wanted)) {
  const auto [first, last] = recording_.range(wanted_.from, wanted_.to);
  end_ = last;
  next_ = wanted_.filter.matches_everything() ? first : 0;
}

Result<bool> EventPages::fits(std::size_t index) {
  if (wanted_.filter.matches_everything()) return true;
  const Result<RecordedEvent> event = recording_.event_at(index);
  if (!event) {
    ++unreadable_;
    return false;
  }
  const FilterSubject subject = subjects_.subject(*event);
  return event->seq_num >= wanted_.from && wanted_.filter.matches(subject);
}

Result<bool> EventPages::next(std::string& out, std::string_view separator, std::size_t bytes) {
  const std::size_t begin = out.size();
  for (; next_ < end_ && out.size() - begin < bytes; ++next_) {
    AGDB_TRY(const bool wanted, fits(next_));
    if (!wanted) continue;
    if (given_ == wanted_.limit) {
      more_ = recording_.entry(next_).seq_num;
      return false;
    }
    const Result<std::string> line = recording_.line_at(next_);
    if (!line) {
      ++unreadable_;
      continue;
    }
    out += wanted_.raw ? *line : mask_json_text(*line, masked_);
    out += separator;
    ++given_;
  }
  return next_ < end_;
}

}  // namespace agdb

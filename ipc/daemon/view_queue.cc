#include "ipc/daemon/view_queue.h"

#include <iterator>
#include <utility>

namespace agdb {

void ViewQueue::push_event(Pid pid, EventJson text, std::shared_ptr<const std::string> path,
                           std::uint64_t arrival) {
  const std::size_t bytes = text->size();
  const bool full = events_ >= max_events_ || bytes_ + bytes > max_bytes_;
  if (full && events_ > 0) return lose();
  ++events_;
  bytes_ += bytes;
  items_.push_back({.kind = ViewItem::Kind::kEvent,
                    .event = std::move(text),
                    .path = std::move(path),
                    .pid = pid,
                    .arrival = arrival});
}

void ViewQueue::push_exit(Pid pid, std::string reason, bool last) {
  if (exits_ >= max_events_ && !last) return lose();
  ++exits_;
  items_.push_back(
      {.kind = ViewItem::Kind::kExit, .pid = pid, .reason = std::move(reason), .last = last});
}

void ViewQueue::lose() {
  ++lost_;
  if (items_.empty() || items_.back().kind != ViewItem::Kind::kLost)
    items_.push_back({.kind = ViewItem::Kind::kLost});
  ++items_.back().lost;
}

void ViewQueue::put_before(std::vector<ViewItem> events) {
  for (const ViewItem& item : events) {
    if (item.kind == ViewItem::Kind::kLost) lost_ += item.lost;
    if (item.kind != ViewItem::Kind::kEvent) continue;
    bytes_ += item.event->size();
    ++events_;
  }
  items_.insert(items_.begin(), std::make_move_iterator(events.begin()),
                std::make_move_iterator(events.end()));
}

void ViewQueue::note_taken(const ViewItem& item) {
  if (item.kind == ViewItem::Kind::kExit) --exits_;
  if (item.kind != ViewItem::Kind::kEvent) return;
  --events_;
  bytes_ -= item.event->size();
  ++delivered_;
}

std::vector<ViewItem> ViewQueue::take(std::size_t max_items, std::size_t max_bytes) {
  std::vector<ViewItem> taken;
  std::size_t bytes = 0;
  while (!items_.empty() && taken.size() < max_items) {
    ViewItem& oldest = items_.front();
    if (oldest.event) bytes += oldest.event->size();
    if (bytes > max_bytes && !taken.empty()) break;
    note_taken(oldest);
    taken.push_back(std::move(oldest));
    items_.pop_front();
  }
  return taken;
}

}  // namespace agdb

#include "ipc/daemon/event_history.h"

#include <algorithm>
#include <utility>

namespace agdb {
namespace {

// List node, text object with its counts, place in the share, heads of the memory blocks.
constexpr std::size_t kEntryBytes = 160;

std::size_t cost(const EventHistory::Entry& entry) {
  return entry.text->size() + kEntryBytes;
}

}  // namespace

EventHistory::EventHistory(std::size_t events_a_process, std::size_t max_bytes)
    : events_a_process_(events_a_process), max_bytes_(max_bytes) {}
EventHistory::~EventHistory() = default;

std::uint64_t EventHistory::add(Share& share, Pid pid, EventJson text,
                                std::shared_ptr<const std::string> path) {
  Entry entry{++arrivals_, pid, std::move(text), std::move(path)};
  if (cost(entry) > max_bytes_) {  // the others need not go for it
    ++dropped_;
    ++share.gone_;
    share.last_gone_ = arrivals_;
    return arrivals_;
  }
  bytes_ += cost(entry);
  all_.push_back({std::move(entry), &share});
  share.entries_.push_back(std::prev(all_.end()));
  if (share.entries_.size() > events_a_process_) drop_oldest(share);
  while (bytes_ > max_bytes_) {
    ++dropped_;
    drop_oldest(*all_.front().share);
  }
  return arrivals_;
}

// The oldest of all is also the oldest of its process.
void EventHistory::drop_oldest(Share& share) {
  const auto oldest = share.entries_.front();
  share.entries_.pop_front();
  ++share.gone_;
  share.last_gone_ = std::max(share.last_gone_, oldest->entry.arrival);
  bytes_ -= cost(oldest->entry);
  all_.erase(oldest);
}

void EventHistory::forget(Share& share) {
  while (!share.entries_.empty()) drop_oldest(share);
}

std::uint64_t EventHistory::missing(const Share& share, std::uint64_t after) {
  return after >= share.last_gone_ ? 0 : std::min(share.gone_, share.last_gone_ - after);
}

std::uint64_t EventHistory::missing(std::uint64_t after) const {
  if (after >= arrivals_) return 0;
  std::uint64_t kept = 0;
  for (auto each = all_.rbegin(); each != all_.rend() && each->entry.arrival > after; ++each)
    ++kept;
  return arrivals_ - after - kept;
}

void EventHistory::newest(const Share& share, std::size_t count, std::vector<Entry>& out) const {
  const auto left = static_cast<std::ptrdiff_t>(std::min(count, share.entries_.size()));
  std::for_each(share.entries_.rbegin(), share.entries_.rbegin() + left,
                [&](const auto& kept) { out.push_back(kept->entry); });
}

void EventHistory::newest(std::size_t count, std::vector<Entry>& out) const {
  const auto left = static_cast<std::ptrdiff_t>(std::min(count, all_.size()));
  const auto end = std::next(all_.rbegin(), left);
  for (auto kept = all_.rbegin(); kept != end; ++kept) out.push_back(kept->entry);
}

}  // namespace agdb

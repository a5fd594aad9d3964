#include "ipc/daemon/view_hub.h"

#include <algorithm>
#include <utility>

#include "debug/strace/event_from_json.h"
#include "debug/strace/strace_json.h"

namespace agdb {
namespace {

// What an item takes in a queue beside its text.
constexpr std::size_t kItemBytes = sizeof(ViewItem) + 64;

}  // namespace

ViewHub::ViewHub(ViewLimits limits) : limits_(limits) {}

void ViewHub::on_event(const Event& event) {
  const FilterSubject subject = subjects_.subject(event);
  const std::lock_guard lock(mutex_);
  if (const auto* start = std::get_if<ProcessStart>(&event.payload))
    return note_start(event.pid, *start);
  if (const auto* end = std::get_if<ProcessEnd>(&event.payload)) return note_end(event.pid, *end);
  if (const auto* alert = std::get_if<Alert>(&event.payload)) note_alert(event.pid, *alert);
  const auto text = std::make_shared<const std::string>(json_line(event_json(event)));
  keep(processes_[event.pid], text);
  for (auto& [id, view] : views_)
    if (wants(view, event.pid)) offer(view, subject, text);
}

void ViewHub::on_idle() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, view] : views_)
    if (std::exchange(view.ready, false) && !std::exchange(view.woken, true)) view.options.wake();
}

bool ViewHub::wants(const View& view, Pid pid) const {
  return view.options.all || view.pids.contains(pid);
}

// A child is in the view before its first event comes.
void ViewHub::note_start(Pid pid, const ProcessStart& start) {
  Process& process = processes_[pid];
  process.parent = start.parent;
  process.intent = start.intent;
  process.wall_start = start.wall_start;
  for (auto& [id, view] : views_)
    if (view.options.follow && view.pids.contains(start.parent)) view.pids.insert(pid);
}

void ViewHub::keep(Process& process, Text text) {
  history_bytes_ += text->size();
  process.history.push_back({next_order_++, std::move(text)});
  if (process.history.size() > limits_.history_events) {
    history_bytes_ -= process.history.front().text->size();
    process.history.pop_front();
  }
  if (history_bytes_ > limits_.history_bytes) shrink_histories();
}

// The oldest of all go, a quarter of the room at once: that takes a look at everything.
void ViewHub::shrink_histories() {
  std::vector<std::pair<std::uint64_t, std::size_t>> all;
  for (const auto& [pid, process] : processes_)
    for (const Kept& kept : process.history) all.emplace_back(kept.order, kept.text->size());
  std::ranges::sort(all);
  std::uint64_t first_kept = 0;
  for (std::size_t i = 0; i < all.size() && history_bytes_ > limits_.history_bytes / 4 * 3; ++i) {
    history_bytes_ -= all[i].second;
    first_kept = all[i].first + 1;
    ++history_dropped_;
  }
  for (auto& [pid, process] : processes_)
    while (!process.history.empty() && process.history.front().order < first_kept)
      process.history.pop_front();
}

void ViewHub::offer(View& view, const FilterSubject& subject, const Text& text) {
  if (!view.options.filter.matches(subject)) return;
  ViewItem item;
  item.event = text;
  item.pid = subject.pid;
  push(view, std::move(item), text->size() + kItemBytes);
}

void ViewHub::push(View& view, ViewItem item, std::size_t bytes) {
  view.ready = true;
  const bool full =
      view.queued_events >= limits_.queue_events || view.queued_bytes + bytes > limits_.queue_bytes;
  // An end is told even to a full queue: it is one a process.
  if (item.kind == ViewItem::Kind::kEvent && full && view.queued_events > 0) {
    ++view.tally.lost;
    if (view.queue.back().kind != ViewItem::Kind::kLost) {
      ViewItem lost;
      lost.kind = ViewItem::Kind::kLost;
      view.queue.push_back(std::move(lost));
    }
    ++view.queue.back().lost;
    return;
  }
  if (item.kind == ViewItem::Kind::kEvent) {
    ++view.queued_events;
    view.queued_bytes += bytes;
  }
  view.queue.push_back(std::move(item));
}

void ViewHub::note_end(Pid pid, const ProcessEnd& end) {
  Process& process = processes_[pid];
  process.ended = true;
  for (auto& [id, view] : views_) {
    if (!wants(view, pid)) continue;
    view.pids.erase(pid);
    ViewItem item;
    item.kind = ViewItem::Kind::kExit;
    item.pid = pid;
    item.reason = end.exit_reason;
    item.last = !view.options.all && view.pids.empty();
    push(view, std::move(item), kItemBytes);
  }
  ended_.push_back(pid);
  if (ended_.size() <= limits_.ended_processes) return;
  const auto oldest = processes_.find(ended_.front());
  ended_.pop_front();
  for (const Kept& kept : oldest->second.history) history_bytes_ -= kept.text->size();
  processes_.erase(oldest);
}

void ViewHub::note_alert(Pid pid, const Alert& alert) {
  const Process& process = processes_[pid];
  AlertItem item{pid, process.intent, {}, alert};
  item.time = RealClock().wall();
  alerts_.push_back(item);
  if (alerts_.size() > limits_.alerts) alerts_.pop_front();
  for (const auto& [id, sink] : alert_sinks_) sink(item);
}

ViewId ViewHub::attach(ViewOptions options) {
  const std::lock_guard lock(mutex_);
  const ViewId id{next_view_++};
  View& view = views_[id];
  for (const Pid pid : options.pids) {
    const auto process = processes_.find(pid);
    if (process != processes_.end() && !process->second.ended) view.pids.insert(pid);
  }
  // Pids ascend from parents to children.
  if (options.follow)
    for (const auto& [pid, process] : processes_)
      if (!process.ended && view.pids.contains(process.parent)) view.pids.insert(pid);
  view.options = std::move(options);
  if (view.options.last > 0) replay(view);
  tell_ended(view);
  return id;
}

// What has just happened, of those processes that were asked for and those that are followed, in
// the order in which it came. It is offered as if it came now, so it fits or is told as lost.
void ViewHub::replay(View& view) {
  std::vector<const Kept*> all;
  for (const auto& [pid, process] : processes_) {
    if (!wants(view, pid) && !view.options.pids.contains(pid)) continue;
    for (const Kept& kept : process.history) all.push_back(&kept);
  }
  std::ranges::sort(all, {}, &Kept::order);
  LiveSubjects subjects;
  std::vector<std::pair<Pid, const Kept*>> wanted;
  for (const Kept* kept : all) {
    const Result<Json> json = parse_json(*kept->text);
    if (!json) continue;
    const Result<Event> event = event_from_json(*json);
    if (event && view.options.filter.matches(subjects.subject(*event)))
      wanted.emplace_back(event->pid, kept);
  }
  const std::size_t skip = wanted.size() - std::min(wanted.size(), view.options.last);
  for (std::size_t i = skip; i < wanted.size(); ++i) {
    ViewItem item;
    item.event = wanted[i].second->text;
    item.pid = wanted[i].first;
    push(view, std::move(item), wanted[i].second->text->size() + kItemBytes);
  }
}

// A process that had ended before is told as such, so that nobody waits for more.
void ViewHub::tell_ended(View& view) {
  std::vector<Pid> over;
  for (const Pid pid : view.options.pids) {
    const auto process = processes_.find(pid);
    if (process != processes_.end() && process->second.ended) over.push_back(pid);
  }
  for (const Pid pid : over) {
    ViewItem item;
    item.kind = ViewItem::Kind::kExit;
    item.pid = pid;
    item.last = !view.options.all && view.pids.empty() && pid == over.back();
    push(view, std::move(item), kItemBytes);
  }
}

std::vector<ViewItem> ViewHub::take(ViewId id, std::size_t items, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  std::vector<ViewItem> taken;
  const auto found = views_.find(id);
  if (found == views_.end()) return taken;
  View& view = found->second;
  std::size_t taken_bytes = 0;
  while (!view.queue.empty() && taken.size() < items && taken_bytes < bytes) {
    ViewItem item = std::move(view.queue.front());
    view.queue.pop_front();
    if (item.kind == ViewItem::Kind::kEvent) {
      --view.queued_events;
      view.queued_bytes -= item.event->size() + kItemBytes;
      taken_bytes += item.event->size();
      ++view.tally.delivered;
    }
    taken.push_back(std::move(item));
  }
  if (view.queue.empty()) view.woken = false;
  return taken;
}

ViewHub::Tally ViewHub::detach(ViewId id) {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(id);
  if (found == views_.end()) return {};
  const Tally tally = found->second.tally;
  views_.erase(found);
  return tally;
}

std::size_t ViewHub::views() const {
  const std::lock_guard lock(mutex_);
  return views_.size();
}

std::uint64_t ViewHub::history_dropped() const {
  const std::lock_guard lock(mutex_);
  return history_dropped_;
}

std::pair<std::uint64_t, std::vector<AlertItem>> ViewHub::follow_alerts(std::size_t last,
                                                                        AlertSink sink) {
  const std::lock_guard lock(mutex_);
  const std::size_t skip = alerts_.size() - std::min(alerts_.size(), last);
  std::vector<AlertItem> before(alerts_.begin() + static_cast<std::ptrdiff_t>(skip), alerts_.end());
  const std::uint64_t id = next_sink_++;
  alert_sinks_.emplace(id, std::move(sink));
  return {id, std::move(before)};
}

void ViewHub::unfollow_alerts(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  alert_sinks_.erase(id);
}

}  // namespace agdb

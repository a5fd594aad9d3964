#include "ipc/daemon/view_hub.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "debug/strace/event_from_json.h"
#include "debug/strace/event_json_line.h"
#include "runtime/events/event_view.h"

namespace agdb {
namespace {

// The buffer in which events are encoded goes back to the system after longer ones.
constexpr std::size_t kKeptBuffer = std::size_t{1} << 20;

// Times come from agents too; what does not fit wraps, and is only shown.
WallTime wall_time(WallTime start, Nanoseconds since) {
  const auto sum = static_cast<std::uint64_t>(start.time_since_epoch().count()) +
                   static_cast<std::uint64_t>(since.count());
  return WallTime(Nanoseconds(static_cast<std::int64_t>(sum)));
}

using Path = std::shared_ptr<const std::string>;

ViewItem event_item(Pid pid, EventJson text, Path path, std::uint64_t arrival) {
  return {.kind = ViewItem::Kind::kEvent,
          .event = std::move(text),
          .path = std::move(path),
          .pid = pid,
          .arrival = arrival};
}

bool matches(const Filter& filter, const EventHistory::Entry& entry) {
  Result<Json> json = parse_json(*entry.text);
  if (!json) return false;
  const Result<Event> event = event_from_json(*std::move(json));
  if (!event) return false;
  std::string_view path;
  if (entry.path) path = *entry.path;
  ContextView context;
  return filter.matches(subject_of(*event, path, context));
}

}  // namespace

// An event as it is shown to one view after the other: what a filter needs is made once, and only
// when there is one.
class ViewHub::Offer {
 public:
  Offer(const EventView& event, EventJson text, Path path, std::uint64_t arrival)
      : event_(event), text_(std::move(text)), path_(std::move(path)), arrival_(arrival) {}

  void to(View& view) {
    const Filter& filter = view.options.filter;
    if (filter.matches_everything() || filter.matches(subject()))
      view.queue.push_event(event_.pid(), text_, path_, arrival_);
  }

 private:
  const FilterSubject& subject() {
    const std::string_view path = path_ ? std::string_view(*path_) : std::string_view();
    if (!subject_) subject_ = subject_of(event_.event(), path, context_);
    return *subject_;
  }

  const EventView& event_;
  const EventJson text_;
  const Path path_;
  const std::uint64_t arrival_;
  ContextView context_;
  std::optional<FilterSubject> subject_;
};

ViewHub::ViewHub(const ViewLimits& limits)
    : limits_(limits), history_(limits.history_events, limits.history_bytes) {}

void ViewHub::on_event(const Event& event) {
  on_view(EventView(event));
}

// An event is encoded once, for its history and all views, before the lock is taken.
void ViewHub::on_view(const EventView& view) {
  const Event* event = view.raw_syscall() != nullptr ? nullptr : &view.event();
  if (event != nullptr)
    if (const auto* end = std::get_if<ProcessEnd>(&event->payload)) return ended(event->pid, *end);
  encoded_.clear();
  append_event_json(encoded_, view);
  auto text = std::make_shared<const std::string>(encoded_);
  if (encoded_.capacity() > kKeptBuffer) encoded_ = std::string();
  if (event != nullptr)
    if (const auto* start = std::get_if<ProcessStart>(&event->payload))
      return born(event->pid, *start, std::move(text));
  take_event(view, std::move(text));
}

void ViewHub::take_event(const EventView& view, EventJson text) {
  const std::lock_guard lock(mutex_);
  Process& process = processes_[view.pid()];
  std::string_view path;
  if (const RawSyscall* raw_call = view.raw_syscall()) {
    path = descriptors_.track(view.pid(), *raw_call);
  } else if (const auto* call = std::get_if<Syscall>(&view.event().payload)) {
    path = descriptors_.track(view.pid(), *call);
  } else if (const auto* alert = std::get_if<Alert>(&view.event().payload)) {
    note_alert(process, view.pid(), view.timestamp(), *alert);
  }
  const Path kept = path.empty() ? nullptr : descriptors_.path();
  const std::uint64_t arrival = history_.add(process.history, view.pid(), text, kept);
  if (process.views.empty()) return;
  Offer offer(view, std::move(text), kept, arrival);
  for (View* each : process.views) offer.to(*each);
  has_items_.store(true, std::memory_order_relaxed);
}

// A child is in the view before its first event comes.
void ViewHub::born(Pid pid, const ProcessStart& start, EventJson text) {
  const std::lock_guard lock(mutex_);
  Process& process = processes_[pid];
  process.parent = start.parent;
  process.intent = start.intent;
  process.wall_start = start.wall_start;
  process.start = std::move(text);
  process.ended = false;
  process.born_after = history_.arrivals();
  for (auto& [id, view] : views_)
    if (view.options.all) join(view, process);
  if (const auto parent = processes_.find(start.parent); parent != processes_.end())
    for (View* view : parent->second.views)
      if (view->options.follow) join(*view, process);
  for (View* view : process.views) view->queue.push_event(pid, process.start);
  if (!process.views.empty()) has_items_.store(true, std::memory_order_relaxed);
}

void ViewHub::join(View& view, Process& process) {
  if (std::ranges::find(process.views, &view) != process.views.end()) return;
  process.views.push_back(&view);
  ++view.alive;
}

void ViewHub::ended(Pid pid, const ProcessEnd& end) {
  const std::lock_guard lock(mutex_);
  Process& process = processes_[pid];
  if (process.ended) return;
  process.ended = true;
  process.exit_reason = end.exit_reason;
  process.ended_after = history_.arrivals();
  descriptors_.forget(pid);
  for (View* view : process.views) {
    --view->alive;
    view->queue.push_exit(pid, end.exit_reason, !view->options.all && view->alive == 0);
  }
  if (!process.views.empty()) has_items_.store(true, std::memory_order_relaxed);
  process.views.clear();
  ended_.push_back(pid);
  if (ended_.size() > limits_.ended_processes) forget_oldest_ended();
}

void ViewHub::forget_oldest_ended() {
  const auto oldest = processes_.find(ended_.front());
  ended_.pop_front();
  // It may have been born again, against the rules, and even have ended again.
  if (oldest == processes_.end() || !oldest->second.ended) return;
  history_.forget(oldest->second.history);
  processes_.erase(oldest);
}

void ViewHub::note_alert(const Process& process, Pid pid, Nanoseconds timestamp,
                         const Alert& alert) {
  AlertItem item{pid, process.intent, wall_time(process.wall_start, timestamp), alert};
  for (const auto& [id, sink] : alert_sinks_) sink(item);
  alerts_.push_back(std::move(item));
  if (alerts_.size() > limits_.alerts) alerts_.pop_front();
}

void ViewHub::on_idle() {
  if (!has_items_.exchange(false, std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  for (auto& [id, view] : views_) {
    if (view.woken || view.attaching || view.queue.empty()) continue;
    view.woken = true;
    view.options.wake();
  }
}

ViewId ViewHub::attach(ViewOptions options) {
  ViewId id{};
  View* view = nullptr;
  std::vector<ViewItem> first;
  std::vector<EventHistory::Entry> before;
  std::uint64_t missing = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ViewId{next_view_++};
    ViewQueue queue(limits_.queue_events, limits_.queue_bytes);
    view = &views_.try_emplace(id, View{std::move(options), std::move(queue)}).first->second;
    first = fill(*view);
    before = look_back(*view, missing);
    tell_ended(*view);
  }
  // Filters read the events again, which takes its time; what comes meanwhile waits in the queue.
  const std::size_t births = first.size();
  missing += select(before, view->options, first);
  if (missing > 0)
    first.insert(first.begin() + static_cast<std::ptrdiff_t>(births),
                 {.kind = ViewItem::Kind::kLost, .lost = missing});
  const std::lock_guard lock(mutex_);
  view->queue.put_before(std::move(first));
  view->attaching = false;
  has_items_.store(true, std::memory_order_relaxed);
  return id;
}

// The living processes that the view is of, parents before their children.
std::vector<Pid> ViewHub::candidates(const ViewOptions& options) const {
  std::vector<Pid> living;
  if (!options.all && !options.follow) {
    for (const Pid pid : options.pids)
      if (const auto found = processes_.find(pid);
          found != processes_.end() && !found->second.ended)
        living.push_back(pid);
    return living;
  }
  for (const auto& [pid, process] : processes_)
    if (!process.ended) living.push_back(pid);
  std::ranges::sort(living);  // pids ascend from parents to children
  if (options.all) return living;
  std::set<Pid> wanted = options.pids;
  std::erase_if(living, [&](Pid pid) {
    if (!wanted.contains(processes_.at(pid).parent) && !wanted.contains(pid)) return true;
    wanted.insert(pid);
    return false;
  });
  return living;
}

// Returns the births of those that nobody named.
std::vector<ViewItem> ViewHub::fill(View& view) {
  std::vector<ViewItem> births;
  for (const Pid pid : candidates(view.options)) {
    Process& process = processes_.at(pid);
    join(view, process);
    const bool named = !view.options.all && view.options.pids.contains(pid);
    const bool told = view.options.after && process.born_after < *view.options.after;
    if (!named && !told && process.start)
      births.push_back(event_item(pid, process.start, nullptr, 0));
  }
  return births;
}

// A process that had ended before is told as such, so that nobody waits for more.
void ViewHub::tell_ended(View& view) const {
  const std::optional<std::uint64_t>& after = view.options.after;
  if (view.options.all) {
    for (const Pid pid : ended_)
      if (const auto found = processes_.find(pid);
          after && found != processes_.end() && found->second.ended_after >= *after)
        view.queue.push_exit(pid, found->second.exit_reason, false);
    return;
  }
  std::vector<Pid> over;
  for (const Pid pid : after ? family(view.options) : view.options.pids) {
    const auto found = processes_.find(pid);
    if (found == processes_.end() || found->second.ended) over.push_back(pid);
  }
  for (const Pid pid : over) {
    const auto found = processes_.find(pid);
    view.queue.push_exit(pid, found == processes_.end() ? "" : found->second.exit_reason,
                         view.alive == 0 && pid == over.back());
  }
}

// The processes that were named and, if they are followed, all that descend from them, those that
// have ended too.
std::set<Pid> ViewHub::family(const ViewOptions& options) const {
  std::set<Pid> members = options.pids;
  if (!options.follow) return members;
  std::vector<Pid> known;
  for (const auto& [pid, process] : processes_) known.push_back(pid);
  std::ranges::sort(known);  // pids ascend from parents to children
  for (const Pid pid : known)
    if (members.contains(processes_.at(pid).parent)) members.insert(pid);
  return members;
}

// What may come first in the view, the newest first: of its processes, and of those that were named
// and have ended. `missing`: of what came since `after` and is not kept.
std::vector<EventHistory::Entry> ViewHub::look_back(const View& view,
                                                    std::uint64_t& missing) const {
  const ViewOptions& options = view.options;
  std::vector<EventHistory::Entry> found;
  if (options.last == 0 && !options.after) return found;
  std::size_t count = options.filter.matches_everything() ? options.last : kLookedBack;
  if (options.after) count = history_.events();
  if (options.all) {
    history_.newest(count, found);
    if (options.after) missing = history_.missing(*options.after);
  } else {
    const std::set<Pid> members = options.after ? family(options) : options.pids;
    for (const auto& [pid, process] : processes_) {
      if (!members.contains(pid) && std::ranges::find(process.views, &view) == process.views.end())
        continue;
      history_.newest(process.history, count, found);
      if (options.after) missing += EventHistory::missing(process.history, *options.after);
    }
    std::ranges::sort(found, std::ranges::greater(), &EventHistory::Entry::arrival);
  }
  if (options.after)
    std::erase_if(found, [after = *options.after](const EventHistory::Entry& entry) {
      return entry.arrival <= after;
    });
  if (found.size() > count) found.resize(count);
  return found;
}

// The newest that the view wants, oldest first. Returns how many more it would have wanted of those
// behind `after`.
std::uint64_t ViewHub::select(const std::vector<EventHistory::Entry>& newest_first,
                              const ViewOptions& options, std::vector<ViewItem>& out) const {
  const std::size_t room = limits_.queue_events / 2;
  const std::size_t wanted = options.after ? room : std::min(options.last, room);
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  std::size_t selected = 0;
  std::size_t bytes = 0;
  std::uint64_t left_out = 0;
  for (const EventHistory::Entry& entry : newest_first) {
    if (!options.after && selected >= wanted) break;
    if (!options.filter.matches_everything() && !matches(options.filter, entry)) continue;
    bytes += entry.text->size();
    if (selected >= wanted || (bytes > limits_.queue_bytes / 2 && selected > 0)) {
      if (!options.after) break;
      ++left_out;
      continue;
    }
    out.push_back(event_item(entry.pid, entry.text, entry.path, entry.arrival));
    ++selected;
  }
  std::reverse(out.begin() + begin, out.end());
  return left_out;
}

std::vector<ViewItem> ViewHub::take(ViewId id, std::size_t items, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(id);
  if (found == views_.end()) return {};
  View& view = found->second;
  std::vector<ViewItem> taken = view.queue.take(items, bytes);
  if (view.queue.empty()) view.woken = false;
  return taken;
}

ViewHub::Tally ViewHub::detach(ViewId id) {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(id);
  if (found == views_.end()) return {};
  View& view = found->second;
  for (auto& [pid, process] : processes_) std::erase(process.views, &view);
  const Tally tally{view.queue.delivered(), view.queue.lost()};
  views_.erase(found);
  return tally;
}

std::size_t ViewHub::views() const {
  const std::lock_guard lock(mutex_);
  return views_.size();
}

std::uint64_t ViewHub::history_dropped() const {
  const std::lock_guard lock(mutex_);
  return history_.dropped();
}

std::pair<std::uint64_t, std::vector<AlertItem>> ViewHub::follow_alerts(std::size_t last,
                                                                        AlertSink sink) {
  const std::lock_guard lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(alerts_.size(), last));
  const std::uint64_t id = next_sink_++;
  alert_sinks_.emplace(id, std::move(sink));
  return {id, {alerts_.end() - count, alerts_.end()}};
}

void ViewHub::unfollow_alerts(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  alert_sinks_.erase(id);
}

}  // namespace agdb

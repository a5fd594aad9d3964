#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "debug/strace/fd_table.h"
#include "debug/strace/filter.h"
#include "ipc/daemon/event_history.h"
#include "ipc/daemon/view_queue.h"
#include "runtime/events/bus.h"
#include "runtime/events/event.h"

namespace agdb {

enum class ViewId : std::uint64_t {};

struct ViewOptions {
  std::set<Pid> pids;
  bool all = false;     // every process, also those to come
  bool follow = false;  // the children of its processes too, and those that are born, from birth
  Filter filter;
  // Up to so many of the events that have just happened come first: of those that are kept, and at
  // most half of what the view's queue holds. Filters search the newest ViewHub::kLookedBack.
  std::size_t last = 0;
  // Instead of `last`: goes on behind the event of this arrival (ViewItem), where somebody's
  // earlier view ended. All that has come since and is kept comes first, as far as half of the
  // view's queue holds it; what is missing before it is told as lost (not all of it need have been
  // for this view). Births and, with `all`, exits that are known to have been told are not told
  // again.
  std::optional<std::uint64_t> after = std::nullopt;
  // Called on the dispatcher's thread when there is something to take, once until all is taken.
  // Must not call the hub.
  std::function<void()> wake;
};

struct AlertItem {
  Pid pid{};
  std::string intent;
  WallTime time{};
  Alert alert;
};

struct ViewLimits {
  std::size_t queue_events = 8192;                     // of one view
  std::size_t queue_bytes = std::size_t{8} << 20;      // likewise
  std::size_t history_events = 256;                    // of one process
  std::size_t history_bytes = std::size_t{128} << 20;  // of all together
  std::size_t ended_processes = 1000;                  // that are still known
  std::size_t alerts = 1000;
};

// The live views of one runtime. Takes every event on the bus's dispatcher thread, keeps the newest
// of each process, and puts what a view wants to see into the view's own bounded queue. A view
// whose queue is full loses its own events only; they are counted, where they are missing.
//
// A view's stream has no gap between what happened before it was attached and what came then. In it
// stand, beside the events that its filter wants: the process_start of every process that joins it
// without being named in `pids`, whatever the filter says; and an exit for every process that ends,
// or that had ended before, in place of a process_end.
//
// on_event, on_view and on_idle come from the dispatcher; all else from any thread. After detach or
// unfollow_alerts has returned, what was given to attach or follow_alerts is not called any more.
class ViewHub final : public Subscriber {
 public:
  static constexpr std::size_t kLookedBack = 16'384;

  explicit ViewHub(const ViewLimits& limits = {});

  void on_event(const Event& event) override;
  void on_view(const EventView& view) override;
  void on_idle() override;

  // A process that is not known, or no longer, counts as one that has ended.
  ViewId attach(ViewOptions options);
  // The oldest items, up to so many and so many bytes of events, but at least one. Empty when there
  // is nothing to take or no such view.
  std::vector<ViewItem> take(ViewId view, std::size_t items, std::size_t bytes);
  struct Tally {
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;
  };
  Tally detach(ViewId view);
  std::size_t views() const;
  // Events that were dropped from histories since all together were too large.
  std::uint64_t history_dropped() const;

  // The newest alerts, at most `last`, oldest first; and from then on each new one, on the
  // dispatcher's thread, until unfollow. The function must not call the hub.
  using AlertSink = std::function<void(const AlertItem& alert)>;
  std::pair<std::uint64_t, std::vector<AlertItem>> follow_alerts(std::size_t last, AlertSink sink);
  void unfollow_alerts(std::uint64_t id);

 private:
  struct View {
    ViewOptions options;
    ViewQueue queue;
    std::size_t alive = 0;  // processes in it
    bool woken = false;     // and has not been emptied since
    bool attaching = true;  // what has been is still to be put in front
  };
  struct Process {
    Pid parent{};
    std::string intent;
    WallTime wall_start{};
    EventJson start;  // nullptr: it was not told
    bool ended = false;
    std::string exit_reason;
    EventHistory::Share history;
    std::uint64_t born_after = 0;   // the newest arrival then
    std::uint64_t ended_after = 0;  // likewise
    std::vector<View*> views;       // that it is in
  };
  class Offer;

  void born(Pid pid, const ProcessStart& start, EventJson text);
  void ended(Pid pid, const ProcessEnd& end);
  void forget_oldest_ended();
  void take_event(const EventView& view, EventJson text);
  void note_alert(const Process& process, Pid pid, Nanoseconds timestamp, const Alert& alert);
  static void join(View& view, Process& process);
  std::vector<ViewItem> fill(View& view);
  std::vector<Pid> candidates(const ViewOptions& options) const;
  void tell_ended(View& view) const;
  std::set<Pid> family(const ViewOptions& options) const;
  std::vector<EventHistory::Entry> look_back(const View& view, std::uint64_t& missing) const;
  std::uint64_t select(const std::vector<EventHistory::Entry>& newest_first,
                       const ViewOptions& options, std::vector<ViewItem>& out) const;

  const ViewLimits limits_;
  std::atomic<bool> has_items_{false};  // a view may have to be woken
  std::string encoded_;                 // the dispatcher's

  mutable std::mutex mutex_;  // all below
  EventHistory history_;
  std::unordered_map<Pid, Process> processes_;
  std::deque<Pid> ended_;  // oldest first
  FdTable descriptors_;
  std::map<ViewId, View> views_;
  std::uint64_t next_view_ = 1;
  std::deque<AlertItem> alerts_;
  std::map<std::uint64_t, AlertSink> alert_sinks_;
  std::uint64_t next_sink_ = 1;
};

}  // namespace agdb

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "debug/strace/filter.h"
#include "runtime/events/bus.h"
#include "runtime/events/event.h"

namespace agdb {

enum class ViewId : std::uint64_t {};

struct ViewOptions {
  std::set<Pid> pids;
  bool all = false;     // every process, also those to come
  bool follow = false;  // the children of its processes too, from their birth
  Filter filter;
  // So many of the events that have just happened come first, at most.
  std::size_t last = 0;
  // Called on the dispatcher's thread when there is something to take, once until it is taken.
  std::function<void()> wake;
};

// What a view is given, in order.
struct ViewItem {
  enum class Kind {
    kEvent,  // `event`
    kLost,   // `lost` events are missing here
    kExit,   // the process `pid` has ended; `last` = nothing follows
  };
  Kind kind = Kind::kEvent;
  std::shared_ptr<const std::string> event;  // JSON, as strace_json.h says
  std::uint64_t lost = 0;
  Pid pid{};
  std::string reason;
  bool last = false;
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
  std::size_t ended_processes = 1000;                  // whose history is kept
  std::size_t alerts = 1000;
};

// The live views of one runtime. Takes every event on the bus's dispatcher thread, keeps the newest
// of each process, and puts what a view wants to see into the view's own bounded queue. A view
// whose queue is full loses its own events only; they are counted, where they are missing.
//
// attach and take come from any thread. A view's stream has no gap between what happened before it
// was attached and what came then.
class ViewHub final : public Subscriber {
 public:
  explicit ViewHub(ViewLimits limits = {});

  void on_event(const Event& event) override;
  void on_idle() override;

  ViewId attach(ViewOptions options);
  // The next items, at most so many, and no more once `bytes` are reached; `lost` items count no
  // bytes. Empty when there is nothing to take or no such view.
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
  using Text = std::shared_ptr<const std::string>;
  struct Kept {
    std::uint64_t order;  // over all processes
    Text text;
  };
  struct Process {
    Pid parent{};
    std::string intent;
    WallTime wall_start{};
    bool ended = false;
    std::deque<Kept> history;
  };
  struct View {
    ViewOptions options;
    std::set<Pid> pids;  // whose events it wants, but for `all`
    std::deque<ViewItem> queue;
    std::size_t queued_bytes = 0;
    std::size_t queued_events = 0;
    Tally tally;
    bool woken = false;
    bool ready = false;  // there is something new
  };

  void note_start(Pid pid, const ProcessStart& start);
  void keep(Process& process, Text text);
  void shrink_histories();
  bool wants(const View& view, Pid pid) const;
  void offer(View& view, const FilterSubject& subject, const Text& text);
  void push(View& view, ViewItem item, std::size_t bytes);
  void note_end(Pid pid, const ProcessEnd& end);
  void note_alert(Pid pid, const Alert& alert);
  void replay(View& view);
  void tell_ended(View& view);

  const ViewLimits limits_;
  LiveSubjects subjects_;     // the dispatcher's
  mutable std::mutex mutex_;  // all below
  std::map<Pid, Process> processes_;
  std::deque<Pid> ended_;
  std::uint64_t next_order_ = 0;
  std::size_t history_bytes_ = 0;
  std::uint64_t history_dropped_ = 0;
  std::map<ViewId, View> views_;
  std::uint64_t next_view_ = 1;
  std::deque<AlertItem> alerts_;
  std::map<std::uint64_t, AlertSink> alert_sinks_;
  std::uint64_t next_sink_ = 1;
};

}  // namespace agdb

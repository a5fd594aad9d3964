#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "runtime/events/ids.h"

namespace agdb {

// An event as json_line(event_json(event)), shared by all who show it.
using EventJson = std::shared_ptr<const std::string>;

// What a view is given, in order.
struct ViewItem {
  enum class Kind {
    kEvent,  // `event`
    kLost,   // `lost` events are missing here
    kExit,   // the process `pid` has ended; `last` = nothing follows
  };
  Kind kind = Kind::kEvent;
  EventJson event = {};
  // The path that an Open, Read, Write or Close is about; nullptr for others.
  std::shared_ptr<const std::string> path = {};
  std::uint64_t lost = 0;
  Pid pid{};
  std::string reason = {};  // empty: it had ended before, and this is not known any more
  bool last = false;
  // Of an event, in the order in which all events came to the hub; 0: a birth, which has none.
  std::uint64_t arrival = 0;
};

// What a view has not taken yet, bounded: what comes while it is full is lost and counted where it
// is missing. An event larger than the bound is taken when no other is there. One thread at a time.
//
// Allowed: event 1, event 2, lost 3, event 6. Impossible: an event behind others that came later,
// or one that is neither delivered, nor counted as lost, nor here.
class ViewQueue {
 public:
  // `max_bytes` counts the texts.
  ViewQueue(std::size_t max_events, std::size_t max_bytes)
      : max_events_(max_events), max_bytes_(max_bytes) {}

  void push_event(Pid pid, EventJson text, std::shared_ptr<const std::string> path = {},
                  std::uint64_t arrival = 0);
  // Finds room in a full queue, too; but once as many exits wait as events may, only the last one
  // of the view does.
  void push_exit(Pid pid, std::string reason, bool last);
  // What was before all that is here, oldest first; no exits. Takes room whether there is any or
  // not.
  void put_before(std::vector<ViewItem> events);

  // The oldest, up to so many and so many bytes of texts, but at least one if there is one.
  std::vector<ViewItem> take(std::size_t max_items, std::size_t max_bytes);

  bool empty() const { return items_.empty(); }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t lost() const { return lost_; }

 private:
  void lose();
  void note_taken(const ViewItem& item);

  const std::size_t max_events_;
  const std::size_t max_bytes_;
  std::deque<ViewItem> items_;
  std::size_t events_ = 0;
  std::size_t exits_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace agdb

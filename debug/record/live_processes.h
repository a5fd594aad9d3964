#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "debug/record/metadata.h"
#include "debug/record/snapshot_chain.h"
#include "runtime/events/event.h"
#include "runtime/events/event_view.h"

namespace agdb {

class Recorder;

// A process that lives, as its events tell it: what a recording of it would have to begin with.
class LiveProcess {
 public:
  // Takes an event in. REQUIRES: not ProcessStart or ProcessEnd.
  void take(const Event& event);
  // The same; a call that stands in a ring is not built for it.
  void take(const EventView& event);

  // What a recording that begins now says of the time before.
  BeganLate began_late() const;
  // As they are now; nothing of them stands in any recording. A context of which changes were lost
  // is left out until a change tells the whole of it, or fits.
  const SnapshotChain& contexts() const { return contexts_; }

  // But for its budget, which is the present one.
  ProcessStart start;
  // The Spawn that made it stands there; nothing: it is in no recording, or has not come yet.
  std::optional<RecordingParent> spawned_by;
  // The nearest of its ancestors that lives, or one that was never born here.
  Pid above{};
  // The living processes of which this one is the nearest living ancestor.
  std::set<Pid> below;
  // What it spawns is to be recorded too.
  bool with_children = false;
  // Nothing: it is not being recorded. Borrowed.
  Recorder* recorder = nullptr;

 private:
  void arrive(std::uint64_t n, Nanoseconds end);

  std::uint64_t last_n_ = 0;
  Nanoseconds latest_{0};  // the latest end of an event, since the process's start
  std::string state_ = "created";
  std::int64_t tokens_used_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t lost_events_ = 0;
  SnapshotChain contexts_;
};

// Numbers, most of which lie side by side: memory goes with the holes between them, so those of all
// processes that ever ended take no more than those that live.
class PidSet {
 public:
  void insert(Pid pid);
  bool contains(Pid pid) const;
  // Stretches without a hole.
  std::size_t stretches() const { return last_of_.size(); }

 private:
  std::map<std::uint64_t, std::uint64_t> last_of_;  // first number of a stretch to its last
};

// The living processes of a runtime. Used from one thread at a time.
class LiveProcesses {
 public:
  // Nothing when no living process has that pid. Valid until it ends.
  LiveProcess* find(Pid pid);
  const LiveProcess* find(Pid pid) const;
  // REQUIRES: it does not live.
  LiveProcess& born(Pid pid, const ProcessStart& start);
  void ended(Pid pid);
  bool has_ended(Pid pid) const { return ended_.contains(pid); }
  // The living descendants of a process, also those whose parent has ended; parents before their
  // children.
  std::vector<Pid> descendants(Pid pid) const;
  std::size_t size() const { return processes_.size(); }

 private:
  using Script = std::shared_ptr<const std::string>;
  struct SharedScript {
    Script text;
    std::size_t users = 0;
  };
  Script share(const Script& script);
  void release(const Script& script);

  std::unordered_map<Pid, LiveProcess> processes_;
  PidSet ended_;
  // Each process tells its script's text; those with the same keep one. By the text.
  std::unordered_map<std::string_view, SharedScript> scripts_;
};

}  // namespace agdb

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "debug/record/live_processes.h"
#include "debug/record/recorder.h"
#include "runtime/events/bus.h"
#include "runtime/events/clock.h"

namespace agdb {

struct RecordingOptions {
  std::string records_dir;
  // Record every process; else those asked for by record(), and what they spawn.
  bool record_all = true;
  Durability durability = Durability::kFlush;
  // Where the processes come from, for the metadata of each.
  std::optional<RecordingSource> source = {};
  std::string host = {};
  // Of how many ended processes, the newest, record_id() still knows the recording.
  std::size_t ended_kept = std::numeric_limits<std::size_t>::max();
  // Called when a recording has ended, from the thread that ended it. It must not call the manager.
  std::function<void(const RecordingMetadata& metadata)> ended = {};
};

// Records the processes of one runtime (or of one import: it is enough to hand it the events), each
// into a recording of its own, from birth or from any later moment to death or any earlier one, and
// tells each child's recording who spawned it.
//
// Of each living process, recorded or not, it knows what a recording would have to begin with: its
// contexts (whose messages are shared with the runtime), what it has spent, its newest event. It
// learns that from the events, so it must be there before the process is born. One event of a
// process that is not recorded costs a look-up. A recording has one open file.
//
// A process whose recording cannot be created is logged and counted, and is not recorded; the
// others are. on_event and on_idle come from one thread; all else from any thread. Call close_all
// before it goes away, else what still runs looks as if this program had been killed.
class RecordingManager final : public Subscriber {
 public:
  // `files` and `clock` outlive the manager. The clock is the machine's, also where the runtime's
  // is simulated. The log is called from the thread that met the trouble.
  RecordingManager(FileSystem& files, const Clock& clock, RecordingOptions options,
                   RecordingLog log);

  void on_event(const Event& event) override;
  void on_view(const EventView& event) override;
  void on_idle() override;

  // Asks for a process's recording, before it is born.
  void record(Pid pid);
  // Takes that back: it is not born after all.
  void withdraw(Pid pid);
  // Begins a recording of a process that is alive already (status and first lines: README.md).
  // Returns its record id. It takes effect between two events; those before are not lost, but not
  // part of it. A process that was stopped can be started again: that makes a second recording.
  // Errors: "process 7 is being recorded already (as 7-1700000000)", "no process with pid 7",
  // "process 7 has ended", and those of the disk.
  Result<std::string> start(Pid pid);
  struct Running {
    Pid pid{};
    std::string record_id;
    std::uint64_t events = 0;  // taken so far
    std::uint64_t lost_events = 0;

    bool operator==(const Running&) const = default;
  };
  // The same, and the process's living descendants that are not being recorded yet, and all that
  // any of them spawns from now on. Returns what begins now, the process itself first; a descendant
  // whose recording cannot be created is logged and counted.
  Result<std::vector<Running>> start_with_children(Pid pid);
  // Ends a recording while its process goes on (status "stopped"). Returns its number of events.
  // What the process spawns is no longer recorded on its account.
  // Error when the process is not being recorded: "PID 7 is not being recorded".
  Result<std::uint64_t> stop(Pid pid);
  // Ends all (status "stopped"). Returns the first error; all are logged.
  Status close_all();

  // The recordings under way, by pid.
  std::vector<Running> list() const;
  bool is_recording(Pid pid) const;
  // Of the process's newest recording, also when it has ended (RecordingOptions::ended_kept);
  // nothing when there is none.
  std::optional<std::string> record_id(Pid pid) const;
  // Events taken so far by the running recording of that process; 0 when there is none.
  std::uint64_t event_count(Pid pid) const;

  struct Totals {
    std::uint64_t recordings = 0;   // made
    std::uint64_t failed = 0;       // processes whose recording could not be created
    std::uint64_t events = 0;       // in ended recordings
    std::uint64_t lost_events = 0;  // in ended recordings
    std::uint64_t unfinished = 0;   // recordings whose end could not be written
  };
  Totals totals() const;

 private:
  using Recorders = std::map<Pid, std::unique_ptr<Recorder>>;

  void born(Pid pid, const ProcessStart& start);
  void gone(Pid pid);
  bool wants(Pid pid, const LiveProcess& process) const;
  Status begin(Pid pid, LiveProcess& process, const std::optional<BeganLate>& late);
  Result<LiveProcess*> find_to_start(Pid pid);
  Nanoseconds now();
  std::optional<RecordingParent> parent_of(const LiveProcess& process) const;
  void take(Recorder& recorder, const Event& event);
  void note_spawn(const Recorder& parent, SeqNum seq_num, const Syscall& call);
  void link(Pid child, const RecordingParent& parent);
  void patch_parent(const std::string& folder, const RecordingParent& parent);
  Status end(Recorders::iterator ending, std::string_view status, std::string_view exit_reason,
             std::uint64_t last_n);

  FileSystem& files_;
  const Clock& clock_;
  const RecordingOptions options_;
  const RecordingLog log_;

  mutable std::mutex mutex_;  // all below
  Nanoseconds now_{0};        // what the clock said last
  unsigned asked_ = 0;        // how often now() was called
  LiveProcesses processes_;
  Recorders recorders_;
  std::map<Pid, std::string> record_ids_;
  std::deque<Pid> ended_;  // of those with a record id, the oldest first
  std::set<Pid> wanted_;
  // A Spawn stands in the parent's stream. It can come before the child's birth, while it lives, or
  // after its death.
  std::map<Pid, RecordingParent> spawned_;  // children not born yet
  // By parent: of its children's recordings those that ended before the Spawn came, as the folders
  // by child.
  std::unordered_map<Pid, std::multimap<Pid, std::string>> ended_unlinked_;
  Totals totals_;
};

}  // namespace agdb

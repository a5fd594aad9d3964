#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

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
};

// Records the processes of one runtime (or of one import: it is enough to hand it the events), each
// into a recording of its own, from birth to death, and tells each child's recording who spawned
// it.
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
  // Ends a recording while its process goes on (status "stopped"). Returns its number of events.
  // Error when the process is not being recorded: "PID 7 is not being recorded".
  Result<std::uint64_t> stop(Pid pid);
  // Ends all (status "stopped"). Returns the first error; all are logged.
  Status close_all();

  bool is_recording(Pid pid) const;
  // Of the process's recording, also when it has ended; nothing when there is none.
  std::optional<std::string> record_id(Pid pid) const;
  // Events taken so far by the running recording of that process; 0 when there is none.
  std::uint64_t event_count(Pid pid) const;

  struct Totals {
    std::uint64_t recordings = 0;   // made
    std::uint64_t failed = 0;       // processes whose recording could not be created
    std::uint64_t events = 0;       // in ended recordings
    std::uint64_t lost_events = 0;  // in ended recordings
  };
  Totals totals() const;

 private:
  using Recorders = std::map<Pid, std::unique_ptr<Recorder>>;

  bool wants(Pid pid, const ProcessStart& start) const;
  void begin(Pid pid, const ProcessStart& start);
  std::optional<RecordingParent> parent_of(Pid child, const ProcessStart& start);
  void take(Recorder& recorder, const Event& event);
  void note_spawn(const Recorder& parent, SeqNum seq_num, const Syscall& call);
  void link(Pid child, RecordingParent parent);
  void patch_parent(const std::string& folder, RecordingParent parent);
  Status end(Recorders::iterator ending, std::string_view status, std::string_view exit_reason,
             std::uint64_t last_n);

  FileSystem& files_;
  const Clock& clock_;
  const RecordingOptions options_;
  const RecordingLog log_;

  mutable std::mutex mutex_;  // all below
  Recorders recorders_;
  std::map<Pid, std::string> record_ids_;
  std::set<Pid> wanted_;
  // A Spawn stands in the parent's stream. It can come before the child's birth, while it lives, or
  // after its death.
  std::map<Pid, RecordingParent> spawned_;  // children not born yet
  struct EndedChild {
    Pid parent{};
    std::string folder;
  };
  std::map<Pid, EndedChild> ended_unlinked_;  // children dead before their Spawn came
  Totals totals_;
};

}  // namespace agdb

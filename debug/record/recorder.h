#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "debug/record/file.h"
#include "debug/record/line_writer.h"
#include "debug/record/metadata.h"
#include "debug/record/records_dir.h"
#include "debug/record/snapshot_chain.h"
#include "runtime/events/event.h"
#include "runtime/events/event_view.h"

namespace agdb {

// When the lines of a recording leave the program.
enum class Durability {
  kFlush,  // handed to the system within 5 ms: survives the end of the program
  kFsync,  // and to the disk once a second and at the end: survives a power cut
  kNone,   // when the buffer is full, and at the end
};

struct RecorderOptions {
  Durability durability = Durability::kFlush;
  // What waits for a disk that takes nothing; beyond it events are lost, and counted.
  std::size_t max_waiting_bytes = std::size_t{512} << 10;
  // Beyond what the process's start tells, for the metadata.
  std::optional<RecordingSource> source = {};
  std::optional<RecordingParent> parent = {};
  std::string host = {};
  std::optional<WallTime> recorded_at = {};
  // For a process that is alive already: what went before, and its contexts as they are now, of
  // which the recording begins with a full snapshot each.
  std::optional<BeganLate> began_late = {};
  SnapshotChain contexts = {};
};

// Told, in one line for a person, when writing fails and when it works again: once each.
using RecordingLog = std::function<void(const std::string& line)>;

// Writes one process's events into one new recording. Numbers them 1, 2, 3 … in the order in which
// it takes them.
//
//   create ──► writing ──► finish
//                │  ▲
//   write error  ▼  │ space again: what waited is written, then a gap event where events were lost
//              failing         and a full snapshot of each context
//
// Errors of the disk never come back from record(); they are logged, and the loss is counted. At
// any moment the file holds whole lines only (where a write stopped in the middle of a line and
// even shortening the file fails, half a line stands at its end until one of both works).
//
// Allowed: losing events while the disk is full, with a gap event that says how many. Impossible:
// two events with one number, a line between two halves of another, a loss without a count.
//
// Used from one thread at a time. Holds the lock on events.jsonl until it is finished or gone. Gone
// without finish, it leaves the status "recording", as a program that was killed does.
class Recorder {
 public:
  // Makes the recording's folder with an empty events.jsonl, metadata.json and the script, if there
  // is one. On an error nothing is left behind. `files` outlives the recorder.
  static Result<std::unique_ptr<Recorder>> create(FileSystem& files, const std::string& records_dir,
                                                  Pid pid, const ProcessStart& start,
                                                  RecorderOptions options, RecordingLog log);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  const std::string& record_id() const { return metadata_.record_id; }
  const std::string& folder() const { return folder_; }
  const RecordingMetadata& metadata() const { return metadata_; }
  // Events taken so far, gaps included.
  std::uint64_t event_count() const { return raw(last_seq_); }
  // Events lost so far.
  std::uint64_t lost_events() const { return lost_events_; }

  // Takes an event that came at `now` (a clock of the caller's, the same for flush_if_due). Returns
  // its number, 0 when it was lost. REQUIRES: not ProcessStart or ProcessEnd, not finished.
  SeqNum record(const Event& event, Nanoseconds now);
  // The same, and a call that stands in a ring goes from there straight into its line.
  SeqNum record(const EventView& event, Nanoseconds now);

  // To be called often (every 2 ms is right): hands over what has waited long enough.
  void flush_if_due(Nanoseconds now);
  // Hands over all that waits.
  Status flush();

  // Who spawned the process, when that is known only later; in the file with the final metadata.
  void set_parent(RecordingParent parent) { metadata_.parent = std::move(parent); }

  // Writes what waits and the final metadata, and closes. `last_n`: the number of the process's
  // last event, 0 when unknown. Further calls do nothing.
  Status finish(std::string_view status, std::string_view exit_reason, std::uint64_t last_n);

 private:
  Recorder(FileSystem& files, AppendFile file, std::string folder, RecordingMetadata metadata,
           RecorderOptions options, RecordingLog log);

  void begin_late(SnapshotChain contexts);
  void arrive(std::uint64_t n, Nanoseconds end, Nanoseconds now);
  bool make_way(std::uint64_t n, Nanoseconds timestamp, CtxId own);
  bool has_room();
  SeqNum append_event(const Event& event);
  SeqNum append_snapshot(CtxId ctx, const LineHead& head, bool is_own);
  void append_gap(Nanoseconds timestamp);
  void append_contexts(Nanoseconds timestamp, CtxId except);
  SeqNum keep_line(bool is_own, const EventHead* known = nullptr);
  void lose(std::uint64_t first_n, std::uint64_t count, std::string_view reason);
  LineHead head(Nanoseconds timestamp, std::uint64_t n) const;
  bool wants_write() const;
  Status write_waiting();
  void begin_failing(const AppendFile::Outcome& outcome);
  void drop_waiting();
  Status sync();
  Status write_final_metadata(std::string_view status, std::string_view exit_reason);

  FileSystem& files_;
  const std::string folder_;
  RecordingMetadata metadata_;
  const RecorderOptions options_;
  const RecordingLog log_;
  bool finished_ = false;

  LineWriter lines_;
  SnapshotChain chain_;
  SeqNum last_seq_{};
  std::uint64_t next_n_ = 1;
  Nanoseconds latest_{0};  // the latest end of an event, since the process's start

  Nanoseconds now_{0};                                 // the newest that a caller told
  Nanoseconds waiting_since_{0};                       // of the oldest line that waits
  Nanoseconds written_at_ = -std::chrono::seconds(1);  // when lines were handed over last
  Nanoseconds synced_at_{0};
  bool sync_failed_ = false;

  bool failing_ = false;
  bool dropping_ = false;  // failing, and no room is left: events are lost
  std::string failure_;    // why, for gaps
  Nanoseconds retry_at_{0};
  std::uint64_t lost_events_ = 0;
  Gap loss_;  // what no gap event tells yet
};

}  // namespace agdb

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/events/event.h"

namespace agdb {

class FileSystem;
enum class Persist;

// The version that this program writes, and the newest that it reads.
inline constexpr std::int64_t kFormatVersion = 2;

// RecordingMetadata::status. Others pass through.
//
//   recording ──► completed    the process ended
//            ├──► stopped      a person stopped the recording
//            └──► interrupted  the writer died; said by whoever opens or recovers the recording
inline constexpr std::string_view kStatusRecording = "recording";
inline constexpr std::string_view kStatusCompleted = "completed";
inline constexpr std::string_view kStatusStopped = "stopped";
inline constexpr std::string_view kStatusInterrupted = "interrupted";

// What a recording was made from: a script that was run, or the log of another tool.
struct RecordingSource {
  std::string name;
  std::string format;      // "agdb-script", "claude-code", "openai-chat", …
  std::uint64_t size = 0;  // bytes
  std::string hash;        // XXH3-128 of the file, 32 hex digits
  // What was met in it and not carried over, by kind.
  std::map<std::string, std::uint64_t> not_understood = {};
  // Times without a zone were taken as UTC.
  bool times_without_zone = false;

  bool operator==(const RecordingSource&) const = default;
};

// The process that spawned the recorded one.
struct RecordingParent {
  std::string record_id;  // empty: the parent was not recorded
  Pid pid{};
  SeqNum seq_num{};  // of the parent's Spawn event; 0 = not known (yet), or not in that recording

  bool operator==(const RecordingParent&) const = default;
};

// The recording began while its process was alive already. What the process had been until then, as
// far as its events told; the recording's first lines are its contexts at that moment.
struct BeganLate {
  std::uint64_t n = 0;       // number of the first event that may follow; those before are not here
  Nanoseconds timestamp{0};  // the moment, since the process's start
  std::string state;         // "running", "suspended", …
  // Spent before: the sums over the model's answers, and how many these were.
  std::int64_t tokens_used = 0;
  std::uint64_t steps = 0;
  // Events before that never came, so that what was spent is known at least, but not for sure.
  std::uint64_t lost_events = 0;

  bool operator==(const BeganLate&) const = default;
};

// metadata.json. An empty value means that the key is absent; absent times are unset.
struct RecordingMetadata {
  std::string record_id;
  Pid pid{};
  std::string intent;
  std::optional<WallTime> start_time;
  std::optional<WallTime> end_time;  // unset while recording
  std::uint64_t event_count = 0;     // 0 while recording
  std::string status;

  // From here on since version 2.
  std::int64_t format_version = 1;
  std::string agdb_version;
  std::string run_id;
  std::string trace_id;
  std::string outer_span_id;  // of a trace that began outside of the runtime (ProcessStart)
  std::optional<RecordingParent> parent;
  std::optional<WallTime> process_start_time;  // event timestamps count from it
  std::string time_source;                     // "clock", "log", "durations", "order"
  std::string runtime;                         // "simulated", "external", "imported"
  std::optional<RecordingSource> source;
  std::optional<ForkOrigin> forked_from;
  std::string model;
  std::int64_t context_budget = 0;  // tokens that may be spent in all; 0 = no limit
  std::int64_t max_steps = 0;       // 0 = no limit
  std::uint64_t lost_events = 0;
  std::string content_hash;  // XXH3-128 of the text of events.jsonl, once ended
  std::string sums_hash;
  std::string exit_reason;
  std::string host;
  // When the recording was made, by the machine's clock: start_time is the run's own, which a
  // simulated clock or an imported log sets.
  std::optional<WallTime> recorded_at;
  // Set: the recording lacks the process's first events, and start_time is later than
  // process_start_time.
  std::optional<BeganLate> began_late;
  // Keys that this version does not know; kept when the metadata is written again.
  Json unknown;

  // When the recording came to be, for "the newest": recorded_at, else start_time.
  std::optional<WallTime> made_at() const { return recorded_at ? recorded_at : start_time; }
  bool operator==(const RecordingMetadata&) const = default;
};

// Wrong types, and a format version newer than ours (kUnsupported), are errors; they contain
// "metadata" and `name`, which is how the error calls the file.
Result<RecordingMetadata> parse_metadata(std::string_view text, std::string_view name);
// Indented JSON, keys in the order of the fields above.
std::string metadata_to_json(const RecordingMetadata& metadata);
// The same as a value.
Result<Json> metadata_json(const RecordingMetadata& metadata);
// A recording is a run's root when no recorded process spawned it.
bool is_root(const RecordingMetadata& metadata);

// The metadata.json of a recording's folder.
Result<RecordingMetadata> read_metadata(const std::string& folder);
// The same unread, as it stands in the file.
Result<std::string> read_metadata_text(const std::string& folder);
// Replaces it as a whole: a reader, or a crash, sees the old or the new text, never a mixture.
Status write_metadata(FileSystem& files, const std::string& folder,
                      const RecordingMetadata& metadata, Persist persist);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "debug/record/reader.h"
#include "debug/record/records_dir.h"
#include "debug/trace/span_deriver.h"
#include "debug/trace/trace_sink.h"

namespace agdb {

// What was gone through, and what of it could not be read.
struct DerivedCounts {
  std::uint64_t recordings = 0;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;           // of text
  std::uint64_t damaged_lines = 0;   // not among the events, or no event after all
  std::uint64_t unknown_events = 0;  // of types that this version does not know
  // Lines for a person: the first of what went wrong, by recording.
  std::vector<std::string> notes = {};

  static constexpr std::size_t kMaxNotes = 20;
  void note(std::string line);
  void add(const DerivedCounts& more);
};

// Told now and then of the bytes done; false: enough, the rest is left out and the call fails with
// kCancelled.
using DeriveProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// What a recorded process is, for its spans. Where the metadata tell no trace, its id is made from
// the run's, or from the record id.
TracedProcess traced_process(const RecordingMetadata& metadata);

// Feeds a recording's events to the deriver of its process, but does not finish it. Lines that
// cannot be read are counted, and gone over.
Status derive_recording(const Recording& recording, SpanDeriver& deriver, DerivedCounts& counts,
                        const DeriveProgress& progress = {});

// The spans of one recorded process, from first to last.
Result<DerivedCounts> derive_process(const Recording& recording, TraceSink& sink,
                                     const DeriveProgress& progress = {});

// All that was recorded of one run: its processes, and of each its recordings (one that was stopped
// and started again has several).
class RecordedRun {
 public:
  struct Part {
    std::string folder;
    RecordingMetadata metadata;
  };

  // All recordings in `records_dir` with the run id of the one in `folder`, which need not be in
  // it; that one alone where it has no run id.
  static Result<RecordedRun> of(const std::string& records_dir, const std::string& folder);
  // The one recording alone.
  static Result<RecordedRun> only(const std::string& folder);
  // The run that somebody means by a run id, a trace id or a pid (of several the newest). Not found
  // is an error.
  static Result<RecordedRun> named(const std::string& records_dir, const std::string& name);
  // All runs that have this run id or trace id; "" is none. There may be none.
  static Result<std::vector<RecordedRun>> all_named(const std::string& records_dir,
                                                    const std::string& name);
  // All runs of a list, in the order of their first recordings there.
  static std::vector<RecordedRun> all_in(RecordingList list);

  // By process, parents before their children as far as pids tell; of one process by their start.
  const std::vector<Part>& parts() const { return parts_; }
  std::string trace_id() const;
  // The first process's start: nothing happened before.
  WallTime start() const;

  // Process by process. A recording that cannot be opened is noted and gone over; all failing is an
  // error.
  Result<DerivedCounts> derive(TraceSink& sink, const DeriveProgress& progress = {}) const;

 private:
  void sort_parts();

  std::vector<Part> parts_;
};

}  // namespace agdb

#pragma once

#include <string>

#include "debug/record/metadata.h"
#include "debug/record/reader.h"
#include "debug/record/recorded_event.h"
#include "debug/strace/filter.h"
#include "debug/strace/strace_line.h"

namespace agdb {

// Recorded events as strace lines, each with its number in front: "#012 [  0.012s] Open(…)".
class RecordedLines {
 public:
  RecordedLines(const RecordingMetadata& metadata, bool color, bool verbose);
  // `subject` is the event's, from RecordedSubjects.
  std::string line(const RecordedEvent& event, const FilterSubject& subject) const;

 private:
  StraceOptions options_;
  WallTime wall_start_{};
};

// A whole context for a person: its size, the prompt, every message in full.
std::string context_text(const RestoredContext& context);

}  // namespace agdb

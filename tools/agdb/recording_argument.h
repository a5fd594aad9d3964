#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "debug/record/reader.h"
#include "tools/agdb/command.h"

namespace agdb {

// The recording that a person means by an id, a path or "@". Its notes (lines skipped, a writer
// that died) go to stderr.
Result<Recording> open_recording(const std::string& typed, Environment& env);

// Declares the RECORD argument.
Option add_recording_argument(CommandLine& line, std::string& into);

// The first event at which a context is known; none where there is no snapshot.
std::optional<SeqNum> first_context(const Recording& recording);
// The error of asking for a context where there is none yet, with that event as its hint.
Error with_first_context(Error error, const Recording& recording);

// An event's number as a person types it: 1, 2, 3 …
Result<SeqNum> parse_seq(const std::string& text);

// Fails with the range that exists when there is no such event.
Status check_seq(const Recording& recording, SeqNum seq);

}  // namespace agdb

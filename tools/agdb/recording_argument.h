#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "debug/record/reader.h"
#include "debug/replay/event_place.h"
#include "tools/agdb/command.h"

namespace agdb {

// The recording that a person means by an id, a path or "@". Its notes (lines skipped, a writer
// that died) go to stderr.
Result<Recording> open_recording(const std::string& typed, Environment& env);

// Declares the RECORD argument.
Option add_recording_argument(CommandLine& line, std::string& into);

// An event's number as a person types it: 1, 2, 3 …
Result<SeqNum> parse_seq(const std::string& text);

}  // namespace agdb

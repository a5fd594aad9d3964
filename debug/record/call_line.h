#pragma once

#include <optional>
#include <string>

#include "debug/record/event_head.h"
#include "debug/record/event_line.h"
#include "runtime/events/raw_event.h"

namespace agdb {

// As append_line of the Syscall that `call` is, the same bytes, without making one: from the ring
// straight into the text.
void append_line(std::string& out, const LineHead& head, const RawSyscall& call);

// What read_own_head would tell of that line; nothing where the line itself must be looked at.
std::optional<EventHead> own_head(const LineHead& head, const RawSyscall& call);

}  // namespace agdb

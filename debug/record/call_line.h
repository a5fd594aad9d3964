#pragma once

#include <string>

#include "debug/record/event_line.h"
#include "runtime/events/raw_event.h"

namespace agdb {

// As append_line of the Syscall that `call` is, the same bytes, without making one: from the ring
// straight into the text.
void append_line(std::string& out, const LineHead& head, const RawSyscall& call);

}  // namespace agdb

#pragma once

#include "runtime/events/event.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// The event that an object of strace_json.h's form tells: what event_json made comes back as it was
// (but for a script, which such an object does not carry). Keys that are not known are passed over,
// missing ones have their defaults; kCorrupt where a value has the wrong type, or where there is no
// event at all. Any thread.
Result<Event> event_from_json(const Json& json);

}  // namespace agdb

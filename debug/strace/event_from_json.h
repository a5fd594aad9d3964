#pragma once

#include "runtime/events/event.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// Reads what event_json wrote (strace_json.h), so that whoever is sent events as JSON prints,
// filters and counts them like live ones. Missing members and null give empty values, unknown ones
// are ignored; without timestamp_ns and duration_ns the whole milliseconds count. A script is not
// in the JSON. Errors (kCorrupt) name the member: no object, no known type, a wrong type or range.
// Any thread.
Result<Event> event_from_json(Json json);

}  // namespace agdb

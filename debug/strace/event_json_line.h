#pragma once

#include <string>

#include "runtime/events/event_view.h"

namespace agdb {

// Appends json_line(event_json(event)), the same bytes, without a document: a call in its ring and
// the large payloads go straight into the text. Any thread.
void append_event_json(std::string& out, const EventView& view);
void append_event_json(std::string& out, const Event& event);

}  // namespace agdb

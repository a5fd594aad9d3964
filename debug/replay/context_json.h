#pragma once

#include "debug/record/reader.h"

namespace agdb {

// {ctx_id, snapshot, tokens, hash, system_prompt, messages: [...]}
Json context_json(const RestoredContext& context);

// {event, context}: an event as it stands in the recording, and all that the model knew then (null:
// nothing yet).
Result<Json> event_and_context_json(const Recording& recording, SeqNum seq);

}  // namespace agdb

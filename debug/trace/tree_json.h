#pragma once

#include <string>

#include "debug/trace/span_tree.h"

namespace agdb {

// The tree as one JSON document on one line, without recursion: a trace may be a million spans
// deep.
//
//   {"root":{<span>[,"children":[…]]},"trace_id":…,
//    "metadata":{"total_spans","total_tokens","total_duration_ms","start_time_ms","end_time_ms",
//                "error_count", and ours: "total_duration_ns","orphans","loops","same_ids"}
//    [,"outside":[{<span>,"why":"orphan"|"loop"[,"children":[…]]}]]}
//
// <span>: the members of span_line.h, an empty parent left out; "same_id":true on one whose id
// another had before. nullptr: "null".
std::string tree_json(const SpanTree* tree);
Json metadata_json(const TraceMetadata& metadata);

}  // namespace agdb

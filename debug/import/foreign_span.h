#pragma once

#include <optional>
#include <string>
#include <vector>

#include "debug/import/import_tally.h"
#include "runtime/events/clock.h"
#include "runtime/events/json.h"

namespace agdb {

// A span as another program wrote it, whatever it was wrapped in.
struct ForeignSpan {
  struct Event {
    std::string name;
    std::optional<WallTime> time;
    Json attributes;  // an object
  };
  // A cause that is not the parent; it may be in another trace.
  struct Link {
    std::string trace_id;  // lower case; empty: not told
    std::string span_id;   // likewise
    Json attributes;       // an object
  };

  std::string trace_id;   // lower case; empty: not told
  std::string span_id;    // likewise
  std::string parent_id;  // empty: none
  std::string name;
  std::optional<WallTime> start;
  std::optional<WallTime> end;
  bool failed = false;
  std::string error;  // what the status or an exception says; may be empty
  Json attributes;    // an object of plain values
  std::vector<Event> events;
  std::vector<Link> links;
};

// The containers in which spans come:
//
//   OTLP/JSON     {resourceSpans: [{resource, scopeSpans: [{scope, spans}]}]}; Tempo's older names
//                 (batches, instrumentationLibrarySpans); {trace: …} around it
//   one span      OTLP's, with attributes as a list, or as the SDKs print theirs: attributes as an
//                 object, ids as hex with or without 0x or as integers, times as nanoseconds, pairs
//                 of seconds and nanoseconds, or ISO 8601
//   lists         {spans: […]}, or a list of any of these
//   Jaeger        {data: [{traceID, spans}]}, or one such trace
//   Langfuse      {trace, observations}
//
// Appends the spans of `document`; false when it is none of these. What is damaged inside is
// counted.
bool read_foreign_spans(const Json& document, ImportTally& tally, std::vector<ForeignSpan>& out);

// Whether the document is one of the above, by its first element.
bool holds_foreign_spans(const Json& document);

}  // namespace agdb

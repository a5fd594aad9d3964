#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/events/json.h"

namespace agdb {

// How a text that holds one JSON document or many was read.
struct JsonDocuments {
  std::uint64_t documents = 0;
  std::uint64_t bad_lines = 0;  // lines of which (a part) was no JSON
  // Of the first bad line, when there is one. Positions in the message count from where the damaged
  // document begins, which is on this line.
  Error first_error;
  std::uint64_t first_bad_line = 0;
};

// Gives every JSON document of `text` to `sink`, with the number of the line that it begins on
// (from 1): one document over the whole text, JSON lines, several documents on one line, or
// documents that span lines, one after the other. What is no JSON is skipped line by line and
// counted. A sink that returns false ends the reading. Time is linear in the text.
JsonDocuments read_json_documents(std::string_view text, ParseNotes* notes,
                                  const std::function<bool(Json&&, std::uint64_t line)>& sink);

}  // namespace agdb

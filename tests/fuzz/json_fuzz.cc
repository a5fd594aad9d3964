#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/events/json.h"

namespace {

using agdb::Json;

// An integral double is written without a fraction and so read back as an integer: the only values
// that do not come back as they went are such.
bool same_but_for_numbers(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a.to_double() == b.to_double();
  if (a.type() != b.type() || a.size() != b.size()) return false;
  for (std::size_t i = 0; a.is_array() && i < a.size(); ++i) {
    if (!same_but_for_numbers(a.items()[i], b.items()[i])) return false;
  }
  for (std::size_t i = 0; a.is_object() && i < a.size(); ++i) {
    if (a.members()[i].key != b.members()[i].key) return false;
    if (!same_but_for_numbers(a.members()[i].value, b.members()[i].value)) return false;
  }
  return a.is_array() || a.is_object() || a == b;
}

void check_written(const Json& json, const agdb::DumpStyle& style, bool clean) {
  const std::string text = agdb::dump(json, style);
  agdb::ParseNotes notes;
  const agdb::Result<Json> again = agdb::parse_json(text, &notes);
  AGDB_ASSERT(again.has_value(), again.error().message + " in " + text);
  AGDB_ASSERT(notes == agdb::ParseNotes{}, "what was written is not clean: " + text);
  // Keys whose bytes are replaced may come to stand in another order, or to be the same.
  AGDB_ASSERT(agdb::dump(*again, style) == text || style.keep_bytes || (style.sorted && !clean),
              "not stable: " + text);
  if (clean && !style.sorted) {
    AGDB_ASSERT(same_but_for_numbers(json, *again), "another value came back: " + text);
  }
  const auto end = agdb::end_of_first_document(text);
  if (json.is_array() || json.is_object()) {
    AGDB_ASSERT(end == text.size(), "the document's end was not found: " + text);
  }
}

// An integer beyond 64 bits takes the document to the thorough reader: both must agree on all else.
void check_both_readers(std::string_view text, const agdb::Result<Json>& json) {
  std::string beside = "[36893488147419103232,";
  beside += text;
  beside += ']';
  const agdb::Result<Json> thorough = agdb::parse_json(beside, nullptr, {.max_depth = 513});
  if (!json) return;  // "1,2" is an error alone, and none in a list
  AGDB_ASSERT(thorough.has_value(), thorough.error().message);
  AGDB_ASSERT(thorough->size() == 2 && thorough->items()[1] == *json, "the readers disagree");
}

}  // namespace

// Whatever the bytes: reading them does not crash, what was read comes back when written, and the
// quick reader takes what the thorough one takes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(agdb::end_of_first_document(text));
  agdb::ParseNotes notes;
  const agdb::Result<Json> json = agdb::parse_json(text, &notes);
  if (!text.starts_with("\xef\xbb\xbf")) check_both_readers(text, json);
  if (!json) return 0;
  for (const bool sorted : {true, false}) {
    for (const bool keep_bytes : {true, false}) {
      check_written(*json, {.sorted = sorted, .indent = sorted ? 0 : 1, .keep_bytes = keep_bytes},
                    notes.invalid_utf8 == 0);
    }
  }
  return 0;
}

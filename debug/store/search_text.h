#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "debug/store/run_trace.h"

namespace agdb {

// What a search looks at, of one trace: its texts, a line end behind each. Control characters in
// them are blanks, so no match goes from one text into the next. What the index forgets must be
// what it was told, byte for byte: a change here needs a migration that fills the index anew.
std::string searchable_text(const RunTrace& trace);

// A text that is searched for, in the same form. REQUIRES: UTF-8.
std::string blank_controls(std::string_view text);

// The text with its letters in lower case: Latin, Greek and Cyrillic ones.
std::string fold_case(std::string_view text);

// What the full-text index is asked for a text. Nothing in the text has a meaning there.
struct TextQuery {
  std::string whole;  // finds what contains the text, by way of every trigram of it
  // Goes through the lists of two trigrams only, which few texts should have, and so is a lot
  // faster; but what it finds need not contain the text. Empty: this text can only be asked for as
  // a whole.
  std::string quick;
};
// REQUIRES: at least kMinIndexedCharacters; below, the index of trigrams knows nothing.
TextQuery text_query_of(std::string_view text);
inline constexpr std::size_t kMinIndexedCharacters = 3;

}  // namespace agdb

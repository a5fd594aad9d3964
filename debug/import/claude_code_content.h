#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "debug/import/import_tally.h"
#include "debug/import/session.h"
#include "runtime/events/json.h"

namespace agdb {

// What stands in a `content`: a text or a list of blocks. Blocks that are no text leave a short
// text in brackets ("[image image/png, 1234 bytes]") and are counted as not understood ("image
// block").

// One thing that a user line says, in its order: a tool's result, or words.
struct ClaudeUserPart {
  bool is_result = false;
  std::string text = {};
  std::string call_id = {};  // of a result
  bool is_error = false;     // of a result
};

// Neighbouring blocks of words become one part. Empty when the content says nothing.
std::vector<ClaudeUserPart> read_claude_user_content(const Json& content, ImportTally& tally);

// The words of a content, a line each.
std::string read_claude_text(const Json& content, ImportTally& tally);

// Gathers the records of one answer.
class ClaudeAnswerContent {
 public:
  // Adds what a record holds (text, thinking, tool calls) to `answer`. Returns how many blocks of
  // it were new: a record that was written a second time under another uuid brings none.
  std::size_t add(const Json& content, SessionAnswer& answer, ImportTally& tally);

 private:
  std::set<std::string> seen_;  // hashes of the blocks of earlier records
};

}  // namespace agdb

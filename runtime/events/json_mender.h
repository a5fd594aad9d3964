#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/events/json.h"

namespace agdb {

// Rewrites a JSON text so that a strict parser takes what parse_json promises to read. In strings,
// a lone surrogate becomes \ufffd, and each byte that is not UTF-8 becomes a mark and the code
// point of the byte's number:
//
//   "a" FF "b" DEL   ──►   "a" DEL U+00FF "b" DEL "0"
//
// The mark is DEL, which may stand in a JSON string and rarely does; a DEL of the text's own,
// escaped or not, becomes DEL and "0". So every text can be mended, and restore() gives the very
// bytes back. Outside of strings nothing changes.
class JsonMender {
 public:
  // `text` outlives the mender.
  explicit JsonMender(std::string_view text) : text_(text) {}

  // Mends all, or until more than `limit` bytes stand in mended(). Returns the offset in the text
  // of what was mended last: with a limit, of the byte that became the one at that offset.
  std::size_t run(std::size_t limit = std::string::npos);

  const std::string& mended() const { return mended_; }
  const ParseNotes& notes() const { return notes_; }

  // Undoes the marks in a string that a parser got from mended().
  static void restore(std::string& text);

 private:
  void mend_one();
  void mend_escape();
  int unit_at(std::size_t at) const;
  std::size_t plain_run() const;
  void keep(std::size_t count);
  void replace(std::size_t count, std::string_view by);

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_string_ = false;
  std::string mended_;
  ParseNotes notes_;
};

}  // namespace agdb

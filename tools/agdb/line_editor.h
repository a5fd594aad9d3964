#pragma once

#include <optional>
#include <string>

namespace agdb {

// Reads lines from stdin: on a terminal with editing and history (libedit), else plainly, without
// prompts. One at a time.
class LineEditor {
 public:
  explicit LineEditor(bool terminal);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The next line without its end, or nothing at the end of the input.
  std::optional<std::string> read(const std::string& prompt);

 private:
  struct State;
  State* state_;  // null: plain
};

}  // namespace agdb

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "runtime/events/result.h"

namespace agdb {

// The words of a command line without a shell: separated by blanks; '…' and "…" keep blanks,
// nothing else has a meaning. Error for a quote that is not closed, and for no word at all.
Result<std::vector<std::string>> split_words(const std::string& text);

// Runs a program (looked for in $PATH) with `input` on its stdin and its output on this one's
// stderr, and waits for it: at most `limit`, then it is killed. Error when it cannot be started,
// did not end in time, or ended with another code than 0. Reads nothing that it does not take.
Status run_with_input(const std::vector<std::string>& words, const std::string& input,
                      std::chrono::milliseconds limit);

}  // namespace agdb

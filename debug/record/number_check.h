#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/events/ids.h"

namespace agdb {

// Whether the numbers of a recording go 1, 2, 3 …, seen line by line. A line that cannot be read
// may have carried any one number.
class NumberCheck {
 public:
  void skip_line() { ++skipped_; }
  // What is wrong with this number behind those before it; nothing when it fits.
  std::optional<std::string> next(SeqNum seq_num) {
    if (raw(seq_num) != last_ + 1) return judge(seq_num);
    last_ = raw(seq_num);
    skipped_ = 0;
    return std::nullopt;
  }

 private:
  std::optional<std::string> judge(SeqNum seq_num);

  std::uint64_t last_ = 0;
  std::uint64_t skipped_ = 0;  // lines since the last number
};

}  // namespace agdb

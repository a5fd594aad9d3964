#include "debug/record/number_check.h"

#include <fmt/format.h>

#include <utility>

namespace agdb {

std::optional<std::string> NumberCheck::judge(SeqNum seq_num) {
  const std::uint64_t number = raw(seq_num);
  const std::uint64_t last = std::exchange(last_, number);
  const std::uint64_t skipped = std::exchange(skipped_, 0);
  if (number <= last) return fmt::format("seq_num {} stands behind {}", number, last);
  const std::uint64_t missing = number - last - 1;
  if (missing <= skipped) return std::nullopt;
  return fmt::format("seq_num {} stands behind {}: {} missing", number, last, missing - skipped);
}

}  // namespace agdb

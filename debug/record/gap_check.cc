#include "debug/record/gap_check.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace agdb {

std::optional<std::string> GapCheck::next(std::uint64_t n) {
  if (n == 0) return std::nullopt;
  const std::uint64_t last = std::exchange(last_, n);
  const std::uint64_t skipped = std::exchange(skipped_, 0);
  if (!std::exchange(started_, true)) return std::nullopt;
  if (n <= last) return fmt::format("n {} stands behind {}", n, last);
  const std::uint64_t missing = n - last - 1;
  if (missing <= skipped) return std::nullopt;
  return fmt::format("n {} stands behind {}: {} events are missing and no gap event tells of them",
                     n, last, missing - skipped);
}

std::optional<std::string> GapCheck::next(const Gap& gap) {
  const std::uint64_t last = last_;
  const bool fits =
      !started_ || gap.first_n == 0 || (gap.first_n > last && gap.first_n - last - 1 <= skipped_);
  started_ = true;
  skipped_ = 0;
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  lost_ = gap.lost_events > most - lost_ ? most : lost_ + gap.lost_events;
  if (gap.first_n != 0 && gap.lost_events > 0) {
    last_ = gap.lost_events - 1 > most - gap.first_n ? most : gap.first_n + gap.lost_events - 1;
  }
  if (fits) return std::nullopt;
  return fmt::format("a gap from n {} on stands behind n {}", gap.first_n, last);
}

}  // namespace agdb

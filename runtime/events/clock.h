#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "runtime/events/duration.h"
#include "runtime/events/result.h"
#include "runtime/events/ticks.h"

namespace agdb {

// A wall-clock time: nanoseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// Where a runtime's time comes from. `now` never goes backwards; `wall` is for correlation only.
// Implementations may be read from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Since an arbitrary start.
  virtual Nanoseconds now() const = 0;
  virtual WallTime wall() const = 0;

  // The present moment as cheaply as it is to be had: raw steps of the processor's counter where
  // this clock goes with real time, else now()'s nanoseconds. Only differences mean anything.
  Ticks ticks() const {
    return counts_cpu_ticks_ ? read_cpu_ticks() : static_cast<Ticks>(now().count());
  }
  bool counts_cpu_ticks() const { return counts_cpu_ticks_; }

 protected:
  Clock() = default;
  // `real_time`: now() goes as fast as CLOCK_MONOTONIC.
  explicit Clock(bool real_time) : counts_cpu_ticks_(real_time && cpu_ticks_are_steady()) {}

 private:
  bool counts_cpu_ticks_ = false;
};

// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME.
class RealClock final : public Clock {
 public:
  RealClock() : Clock(true) {}
  Nanoseconds now() const override;
  WallTime wall() const override;
};

// RFC 3339, UTC, with nanoseconds as far as they are not zero: "2026-03-08T10:00:00.25Z".
std::string format_wall_time(WallTime time);
// RFC 3339 with any offset. A time without a zone is taken as UTC when `zone_missing` is given,
// which is then set; else it is an error. A blank in place of the T is accepted.
Result<WallTime> parse_wall_time(std::string_view text, bool* zone_missing = nullptr);
// How metadata writes "not set": the year 1.
inline constexpr std::string_view kUnsetWallTime = "0001-01-01T00:00:00Z";

}  // namespace agdb

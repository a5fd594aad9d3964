#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/events/json.h"

namespace agdb {

// When a budget will be spent.
//
// An agent sends its whole context with every call, and each call makes the context longer: what it
// spends grows with the square of the calls, until a compaction cuts the context down and the climb
// begins again. So the cost of the coming calls is simulated, call by call, from how the calls so
// far grew and from the compactions among them; a constant rate would promise far too many calls.

// What one model call took: request (cached input included) and response.
struct CallTokens {
  std::int64_t tokens = 0;
  // The context was compacted between the call before and this one. A fall that is steep enough
  // counts as a compaction with or without this mark.
  bool after_compaction = false;

  bool operator==(const CallTokens&) const = default;
};

// Between which costs of a call an agent's context swings when it is compacted on the way.
struct CompactionRange {
  std::int64_t top = 0;    // the call before a compaction
  std::int64_t floor = 0;  // the call after it

  bool operator==(const CompactionRange&) const = default;
};

struct ForecastInput {
  std::span<const CallTokens> calls;  // oldest first; the newest 50 are enough for a good forecast
  std::int64_t budget = 0;            // tokens that may be spent in all; 0 = no limit
  // What went before the first of `calls`, where not all are given.
  std::int64_t tokens_before = 0;
  std::uint64_t calls_before = 0;
  // From elsewhere, as an earlier run of the same agent; used while this run shows no compaction
  // itself.
  std::optional<CompactionRange> known_range = {};
};

struct Forecast {
  // Further calls that fit, in fractions of a call; a person is shown the whole part.
  // kMaxForecastCalls means: that many or more.
  double calls = 0;
  // The true number lies between these in 8 of 10 cases. low <= high; neither is negative.
  double low = 0;
  double high = 0;
  double growth_per_call = 0;  // tokens by which a call costs more than the one before
  std::optional<std::int64_t> context_ceiling;  // cost of a call at which the context is compacted

  bool operator==(const Forecast&) const = default;
};

// The simulation looks no further.
inline constexpr int kMaxForecastCalls = 100'000;

// Nothing without a budget or without calls. A budget that is spent gives 0 calls.
// It is weak where a compaction comes near a ceiling never seen before, where the context jumps
// late in the run, and where growth slows down: show the range, not only the number.
std::optional<Forecast> forecast_calls(const ForecastInput& input);

// {calls, low, high, growth_per_call, context_ceiling}: whole calls; the ceiling is null when not
// known.
Json forecast_json(const Forecast& forecast);

}  // namespace agdb

#pragma once

#include "runtime/events/json.h"

namespace agdb::conformance {

// Whether an answer is what a vector expects: each key of `expected` is there with an equal value.
// More keys are fine; an absent list, an empty one and null are equal; numbers are equal within
// 1e-9 of each other, relatively. {"error_contains": text} asks for an "error" that contains the
// text.
bool matches(const Json& expected, const Json& got);

}  // namespace agdb::conformance

#pragma once

#include <cstdint>
#include <functional>

namespace agdb {

// Each id is its own type, so that two numbers of different meaning do not mix. `raw` gives the
// number for printing and writing.

// A process of one runtime. From 1, never reused within that runtime; 0 is the runtime itself (the
// parent of root processes).
enum class Pid : std::uint64_t {};
// A context of one runtime, from 1.
enum class CtxId : std::uint64_t {};
// A recorded event's place in its recording: 1, 2, 3 … without a hole. 0 = not numbered.
enum class SeqNum : std::uint64_t {};

constexpr std::uint64_t raw(Pid id) {
  return static_cast<std::uint64_t>(id);
}
constexpr std::uint64_t raw(CtxId id) {
  return static_cast<std::uint64_t>(id);
}
constexpr std::uint64_t raw(SeqNum id) {
  return static_cast<std::uint64_t>(id);
}

constexpr Pid kRuntimePid{0};

}  // namespace agdb

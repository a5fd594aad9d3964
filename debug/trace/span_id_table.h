#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "debug/trace/span.h"

namespace agdb {

// Finds spans by their id: an open hash table, a third of the time of the standard one. Holds
// indexes into the spans, which outlive it.
class SpanIdTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  explicit SpanIdTable(const std::vector<Span>& spans);

  // Of several spans with one id the first; kNone for an id that none has, and for an empty one.
  std::uint32_t find(std::string_view id) const;
  // The spans whose id another one before them has, in order.
  const std::vector<std::uint32_t>& same_ids() const { return same_ids_; }

 private:
  struct Slot {
    std::uint32_t span = kNone;
    std::uint32_t hash = 0;  // its upper half, so that most others are told apart unseen
  };
  std::size_t place_of(std::string_view id, std::uint64_t hash) const;

  const std::vector<Span>* spans_;
  std::vector<Slot> slots_;
  std::size_t mask_;
  std::vector<std::uint32_t> same_ids_;
};

}  // namespace agdb

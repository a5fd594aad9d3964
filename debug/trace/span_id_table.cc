#include "debug/trace/span_id_table.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace agdb {
namespace {

std::uint64_t hash_of(std::string_view id) {
  return XXH3_64bits(id.data(), id.size());
}

}  // namespace

SpanIdTable::SpanIdTable(const std::vector<Span>& spans)
    : spans_(&spans),
      slots_(std::bit_ceil(std::max<std::size_t>(spans.size() * 2, 2))),
      mask_(slots_.size() - 1) {
  for (std::uint32_t i = 0; i < spans.size(); ++i) {
    const std::string_view id = spans[i].span_id;
    if (id.empty()) continue;
    const std::uint64_t hash = hash_of(id);
    Slot& slot = slots_[place_of(id, hash)];
    if (slot.span == kNone) {
      slot = {i, static_cast<std::uint32_t>(hash >> 32)};
    } else {
      same_ids_.push_back(i);
    }
  }
}

// The slot that has the id, or the free one where it belongs: at most half of them are taken.
std::size_t SpanIdTable::place_of(std::string_view id, std::uint64_t hash) const {
  const auto upper = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.span == kNone || (slot.hash == upper && (*spans_)[slot.span].span_id == id)) return at;
  }
}

std::uint32_t SpanIdTable::find(std::string_view id) const {
  return id.empty() ? kNone : slots_[place_of(id, hash_of(id))].span;
}

}  // namespace agdb

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/reader.h"

namespace agdb {

// The bytes of events.idx. README.md shows them by an example.
//
//   header, 64 bytes │ entry, 48 bytes each │ summary, JSON │ trailer, 64 bytes
//
// All is appended, nothing is written over: while a recording is written, summary and trailer are
// missing, and what stands behind the last whole entry does not count.

static_assert(std::endian::native == std::endian::little, "the structs below are the file's bytes");

// Positions of entries are kept as 1 + position in 32 bits; 0 = none.
inline constexpr std::uint64_t kMaxIndexedEvents = 0xfffffffe;

struct IndexEntry {
  std::uint64_t offset = 0;
  std::uint64_t seq_num = 0;
  std::int64_t timestamp = 0;
  std::uint64_t ctx_id = 0;
  std::uint32_t length = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;  // kOwnForm
  std::uint16_t zero = 0;
  // Of a snapshot: the newest snapshot before it that is of another context, and the one before it
  // of the same. Of other events: the newest snapshot before it, and the newest one of the context
  // that was used last by then.
  std::uint32_t link_a = 0;
  std::uint32_t link_b = 0;

  // The line begins with its seq_num in the form in which we write it.
  static constexpr std::uint8_t kOwnForm = 1;

  bool operator==(const IndexEntry&) const = default;
};
static_assert(sizeof(IndexEntry) == 48);

struct IndexHeader {
  std::array<char, 8> magic = {'a', 'g', 'd', 'b', ' ', 'i', 'd', 'x'};
  std::uint32_t version = 1;
  std::uint32_t entry_bytes = sizeof(IndexEntry);
  std::uint64_t record_hash = 0;  // XXH3-64 of the record id
  std::array<std::uint64_t, 4> zero = {};
  std::uint64_t check = 0;  // XXH3-64 of the 56 bytes before

  bool operator==(const IndexHeader&) const = default;
};
static_assert(sizeof(IndexHeader) == 64);

struct IndexTrailer {
  std::uint64_t count = 0;          // of entries
  std::uint64_t text_bytes = 0;     // of events.jsonl that the entries cover
  std::uint64_t head_hash = 0;      // XXH3-64 of the first 4 KiB of those, or all
  std::uint64_t tail_hash = 0;      // XXH3-64 of the last 4 KiB of those, or all
  std::uint64_t summary_bytes = 0;  // between entries and trailer
  std::uint64_t summary_hash = 0;   // XXH3-64 of them
  std::array<char, 8> magic = {'a', 'g', 'd', 'b', ' ', 'e', 'n', 'd'};
  std::uint64_t check = 0;  // XXH3-64 of the 56 bytes before

  bool operator==(const IndexTrailer&) const = default;
};
static_assert(sizeof(IndexTrailer) == 64);

inline constexpr std::size_t kIndexProofBytes = 4096;

// The bytes of one of them.
template <typename Struct>
std::string_view bytes_of(const Struct& from) {
  static_assert(std::has_unique_object_representations_v<Struct>);
  return {reinterpret_cast<const char*>(&from), sizeof from};
}
std::string_view bytes_of(const std::vector<IndexEntry>& entries);

// A header for that recording, and whether `header` is one.
IndexHeader index_header(std::string_view record_id);
// With its check.
IndexTrailer sealed(IndexTrailer trailer);
bool is_sealed(const IndexTrailer& trailer);

// A context that has snapshots: the positions of the first and of the newest.
struct IndexedContext {
  CtxId ctx_id{};
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  bool operator==(const IndexedContext&) const = default;
};

// What is known of the whole: what the entries do not tell, or only all of them together.
struct IndexSummary {
  std::uint64_t next_line = 1;                // number of the first line behind the text covered
  std::uint64_t skipped_lines = 0;            // damaged ones behind the last entry
  bool reordered = false;                     // the entries stand in another order than the lines
  std::vector<IndexedContext> contexts = {};  // in order of appearance
  std::vector<std::uint32_t> gaps = {};       // positions of gap events
  std::vector<LineDamage> damage = {};
  std::map<std::string, std::uint64_t> unknown_types = {};
  std::uint64_t invalid_utf8 = 0;
  std::uint64_t lone_surrogates = 0;

  bool operator==(const IndexSummary&) const = default;
};

std::string summary_to_json(const IndexSummary& summary);
// Nothing: it is no summary of so many entries.
std::optional<IndexSummary> parse_summary(std::string_view text, std::uint64_t count);

}  // namespace agdb

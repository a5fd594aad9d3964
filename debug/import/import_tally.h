#pragma once

#include <cstdint>
#include <string_view>

#include "debug/import/session.h"
#include "runtime/events/json.h"

namespace agdb {

// Counts what an importer met and did not carry over, into a SessionLog. Kinds that come from the
// file itself (the name of an unknown field, say) are cut to kMaxKindBytes, and after kMaxKinds of
// them all further ones count as kOtherKinds: a hostile file cannot make the report large.
class ImportTally {
 public:
  static constexpr std::size_t kMaxKinds = 200;
  static constexpr std::size_t kMaxKindBytes = 60;
  static constexpr std::string_view kOtherKinds = "other kinds";

  // `log` outlives the tally.
  explicit ImportTally(SessionLog& log) : log_(&log) {}

  void not_understood(std::string_view kind, std::uint64_t times = 1);
  // Belongs to the other tool and never was part of a run.
  void bookkeeping(std::string_view kind, std::uint64_t times = 1);
  // Counts, as "<what><key>", the members of an object that are not among the `known` keys (one
  // text, parted by blanks) and that say something.
  void unknown_fields(const Json& object, std::string_view known, std::string_view what);

 private:
  SessionLog* log_;
};

// What was counted, for a person: "2 lines not JSON, 1 image block". Kinds that are names from the
// file stay as they are.
std::string counted_text(const std::map<std::string, std::uint64_t>& kinds);

// More tokens than any call can have: a count above is damage, not a number to add up.
inline constexpr std::int64_t kMaxCallTokens = 1'000'000'000'000;
// A count of a call's tokens. Null is 0; what is no number up to kMaxCallTokens is told, and 0.
std::int64_t read_token_count(const Json& value, ImportTally& tally);

// Null, false, and what is empty.
bool says_nothing(const Json& value);

}  // namespace agdb

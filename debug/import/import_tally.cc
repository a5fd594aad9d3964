#include "debug/import/import_tally.h"

#include "runtime/events/text.h"

namespace agdb {
namespace {

void count(std::map<std::string, std::uint64_t>& counts, std::string_view kind,
           std::uint64_t times) {
  if (times == 0) return;
  std::string key = to_utf8(prefix_of_bytes(kind, ImportTally::kMaxKindBytes));
  if (counts.size() >= ImportTally::kMaxKinds && !counts.contains(key))
    key = ImportTally::kOtherKinds;
  counts[key] += times;
}

// Whether `word` stands in the list, which is parted by blanks.
bool lists(std::string_view words, std::string_view word) {
  for (std::size_t at = words.find(word); at != std::string_view::npos;
       at = words.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || words[at - 1] == ' ';
    if (begins && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

}  // namespace

bool says_nothing(const Json& value) {
  switch (value.type()) {
    case Json::Type::kNull:
      return true;
    case Json::Type::kBool:
      return !*value.to_bool();
    case Json::Type::kString:
      return value.string().empty();
    case Json::Type::kArray:
    case Json::Type::kObject:
      return value.empty();
    default:
      return false;
  }
}

void ImportTally::unknown_fields(const Json& object, std::string_view known,
                                 std::string_view what) {
  if (!object.is_object()) return;
  for (const Json::Member& member : object.members())
    if (!says_nothing(member.value) && !lists(known, member.key))
      not_understood(std::string(what) + member.key);
}

void ImportTally::not_understood(std::string_view kind, std::uint64_t times) {
  count(log_->not_understood, kind, times);
}

void ImportTally::bookkeeping(std::string_view kind, std::uint64_t times) {
  count(log_->bookkeeping, kind, times);
}

}  // namespace agdb

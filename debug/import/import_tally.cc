#include "debug/import/import_tally.h"

#include <algorithm>
#include <string_view>
#include <utility>

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

constexpr std::string_view kNouns =
    "answer block byte call choice circle count definition description document element enum error "
    "failure file line list message parent result simulation span sub-agent surrogate time trace";
// What follows the noun that is counted begins with one of these.
constexpr std::string_view kQualifiers =
    "around beside by for in not of that told with within without written";

constexpr std::pair<std::string_view, std::string_view> kWithNames[] = {
    {"field ", "fields "},
    {"message field ", "message fields "},
    {"line type ", "lines of type "},
};

void replace(std::string& text, std::string_view part, std::string_view with) {
  if (const std::size_t at = text.find(part); at != std::string::npos)
    text.replace(at, part.size(), with);
}

// Of the kinds that importers count, which name one thing.
std::string many_of(const std::string& kind) {
  // A name from the file follows, which may be any word.
  for (const auto& [one, many] : kWithNames)
    if (kind.starts_with(one)) return std::string(many) + kind.substr(one.size());
  std::size_t begin = 0;
  std::size_t end = kind.find(' ');
  while (end != std::string::npos) {
    const std::size_t next = std::min(kind.find(' ', end + 1), kind.size());
    if (lists(kQualifiers, std::string_view(kind).substr(end + 1, next - end - 1))) break;
    begin = end + 1;
    end = next == kind.size() ? std::string::npos : next;
  }
  end = std::min(end, kind.size());
  if (!lists(kNouns, std::string_view(kind).substr(begin, end - begin))) return kind;
  std::string rest = kind.substr(end);
  if (rest.starts_with(" that is no ")) rest += 's';
  replace(rest, " that is ", " that are ");
  replace(rest, " that stands ", " that stand ");
  replace(rest, " its ", " their ");
  return kind.substr(0, end) + "s" + rest;
}

}  // namespace

std::string counted_text(const std::map<std::string, std::uint64_t>& kinds) {
  std::string text;
  for (const auto& [kind, number] : kinds) {
    text += text.empty() ? "" : ", ";
    text += std::to_string(number) + " " + (number == 1 ? kind : many_of(kind));
  }
  return text;
}

std::int64_t read_token_count(const Json& value, ImportTally& tally) {
  if (value.is_null()) return 0;
  const auto count = value.to_int();
  if (count && *count >= 0 && *count <= kMaxCallTokens) return *count;
  tally.not_understood("token count that cannot be read");
  return 0;
}

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

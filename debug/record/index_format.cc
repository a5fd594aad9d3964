#include "debug/record/index_format.h"

#include <cstddef>

#include "debug/record/hash64.h"
#include "runtime/events/json.h"

namespace agdb {
namespace {

std::uint64_t check_of(std::string_view bytes) {
  return xxh3_64(bytes.substr(0, bytes.size() - sizeof(std::uint64_t)));
}

// Reads integers out of arrays; remembers whether all were there.
class NumberReader {
 public:
  std::uint64_t read(const Json& json, std::uint64_t limit) {
    const std::optional<std::uint64_t> value = json.to_uint();
    good = good && value && *value < limit;
    return good ? *value : 0;
  }
  std::uint64_t read(const Json& array, std::size_t at, std::uint64_t limit) {
    good = good && array.is_array() && at < array.size();
    return good ? read(array.items()[at], limit) : 0;
  }
  bool good = true;
};

constexpr std::uint64_t kAny = ~std::uint64_t{0};

Json to_json(const LineDamage& damage) {
  return Json::object({{"length", damage.length},
                       {"line", damage.line},
                       {"offset", damage.offset},
                       {"skipped", damage.skipped},
                       {"why", damage.why}});
}

void read_contexts(const Json& json, std::uint64_t count, NumberReader& numbers,
                   IndexSummary& summary) {
  if (!json.is_array()) return void(numbers.good = false);
  for (const Json& each : json.items()) {
    const std::uint64_t id = numbers.read(each, 0, kAny);
    const std::uint64_t first = numbers.read(each, 1, count);
    const std::uint64_t last = numbers.read(each, 2, count);
    if (!numbers.good) return;
    summary.contexts.push_back({static_cast<CtxId>(id), first, last});
  }
}

void read_gaps(const Json& json, std::uint64_t count, NumberReader& numbers,
               IndexSummary& summary) {
  if (!json.is_array()) return void(numbers.good = false);
  std::uint64_t least = 0;
  for (const Json& each : json.items()) {
    const std::uint64_t at = numbers.read(each, count);
    numbers.good = numbers.good && at >= least;
    if (!numbers.good) return;
    summary.gaps.push_back(static_cast<std::uint32_t>(at));
    least = at + 1;
  }
}

void read_damage(const Json& json, NumberReader& numbers, IndexSummary& summary) {
  if (!json.is_array()) return void(numbers.good = false);
  for (const Json& each : json.items()) {
    LineDamage damage;
    damage.line = numbers.read(each["line"], kAny);
    damage.offset = numbers.read(each["offset"], kAny);
    damage.length = numbers.read(each["length"], kAny);
    damage.why = each.text("why");
    damage.skipped = each.boolean("skipped");
    summary.damage.push_back(std::move(damage));
  }
}

void read_types(const Json& json, NumberReader& numbers, IndexSummary& summary) {
  if (!json.is_object()) return void(numbers.good = false);
  for (const Json::Member& each : json.members())
    summary.unknown_types[each.key] = numbers.read(each.value, kAny);
}

}  // namespace

std::string_view bytes_of(const std::vector<IndexEntry>& entries) {
  static_assert(std::has_unique_object_representations_v<IndexEntry>);
  return {reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(IndexEntry)};
}

IndexHeader index_header(std::string_view record_id) {
  IndexHeader header;
  header.record_hash = xxh3_64(record_id);
  header.check = check_of(bytes_of(header));
  return header;
}

IndexTrailer sealed(IndexTrailer trailer) {
  trailer.check = check_of(bytes_of(trailer));
  return trailer;
}

bool is_sealed(const IndexTrailer& trailer) {
  return trailer.magic == IndexTrailer().magic && trailer.check == check_of(bytes_of(trailer));
}

std::string summary_to_json(const IndexSummary& summary) {
  Json contexts = Json::array();
  for (const IndexedContext& each : summary.contexts)
    contexts.push_back(Json(Json::Array{raw(each.ctx_id), each.first, each.last}));
  Json gaps = Json::array();
  for (const std::uint32_t each : summary.gaps) gaps.push_back(each);
  Json damage = Json::array();
  for (const LineDamage& each : summary.damage) damage.push_back(to_json(each));
  Json types = Json::object();
  for (const auto& [type, count] : summary.unknown_types) types.set(type, count);
  const Json json = Json::object({{"next_line", summary.next_line},
                                  {"skipped_lines", summary.skipped_lines},
                                  {"reordered", summary.reordered},
                                  {"contexts", std::move(contexts)},
                                  {"gaps", std::move(gaps)},
                                  {"damage", std::move(damage)},
                                  {"unknown_types", std::move(types)},
                                  {"invalid_utf8", summary.invalid_utf8},
                                  {"lone_surrogates", summary.lone_surrogates}});
  return dump(json, {.sorted = true, .indent = 0, .keep_bytes = true});
}

std::optional<IndexSummary> parse_summary(std::string_view text, std::uint64_t count) {
  const Result<Json> json = parse_json(text, nullptr, {.restore_base64 = true});
  if (!json || !json->is_object()) return std::nullopt;
  IndexSummary summary;
  NumberReader numbers;
  summary.next_line = numbers.read((*json)["next_line"], kAny);
  summary.skipped_lines = numbers.read((*json)["skipped_lines"], kAny);
  summary.reordered = json->boolean("reordered");
  summary.invalid_utf8 = numbers.read((*json)["invalid_utf8"], kAny);
  summary.lone_surrogates = numbers.read((*json)["lone_surrogates"], kAny);
  read_contexts((*json)["contexts"], count, numbers, summary);
  read_gaps((*json)["gaps"], count, numbers, summary);
  read_damage((*json)["damage"], numbers, summary);
  read_types((*json)["unknown_types"], numbers, summary);
  numbers.good = numbers.good && summary.skipped_lines <= summary.damage.size();
  return numbers.good ? std::optional(std::move(summary)) : std::nullopt;
}

}  // namespace agdb

#include "debug/trace/tally_file.h"

#include <sys/stat.h>

namespace agdb {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

}  // namespace

void append_file_state(Json& state, const std::string& path) {
  struct stat info = {};
  const bool there = ::stat(path.c_str(), &info) == 0;
  state.push_back(there ? static_cast<std::int64_t>(info.st_size) : -1);
  state.push_back(there ? info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec : -1);
}

std::optional<KeptTally> read_tally_file(const std::string& path, const Json& made_of) {
  const Result<std::string> text = read_file(path, kMaxBytes);
  if (!text) return std::nullopt;
  const Result<Json> json = parse_json(*text);
  if (!json || json->integer("version") != kVersion) return std::nullopt;
  if (dump((*json)["made_of"]) != dump(made_of)) return std::nullopt;
  const std::optional<TraceTally> tally = TraceTally::from_json((*json)["tally"]);
  if (!tally) return std::nullopt;
  return KeptTally{*tally, (*json)["damaged_lines"].to_uint().value_or(0)};
}

void keep_tally_file(FileSystem& files, const std::string& path, const Json& made_of,
                     const KeptTally& tally) {
  const Json json = Json::object({{"version", kVersion},
                                  {"made_of", made_of},
                                  {"damaged_lines", tally.damaged_lines},
                                  {"tally", tally.tally.to_json()}});
  static_cast<void>(replace_file(files, path, dump(json) + "\n", Persist::kNothing));
}

}  // namespace agdb

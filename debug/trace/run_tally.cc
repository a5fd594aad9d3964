#include "debug/trace/run_tally.h"

#include <sys/stat.h>

#include <array>
#include <optional>
#include <string>

namespace agdb {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
// What spans are made of; of the text there is one of the two.
constexpr std::array kSources = {"metadata.json", "events.jsonl", "events.jsonl.zst"};

// ["record id", size, time of change, …] of a part; a file that is not there has -1.
Json state_of(const RecordedRun::Part& part) {
  Json state = Json::array();
  state.push_back(part.metadata.record_id);
  for (const char* name : kSources) {
    struct stat info = {};
    const bool there = ::stat((part.folder + "/" + name).c_str(), &info) == 0;
    state.push_back(there ? static_cast<std::int64_t>(info.st_size) : -1);
    state.push_back(there ? info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec : -1);
  }
  return state;
}

Json state_of(const RecordedRun& run) {
  Json state = Json::array();
  for (const RecordedRun::Part& part : run.parts()) state.push_back(state_of(part));
  return state;
}

std::string path_of(const RecordedRun& run) {
  return run.parts().front().folder + "/" + std::string(kTallyName);
}

bool is_being_recorded(const RecordedRun& run) {
  for (const RecordedRun::Part& part : run.parts())
    if (part.metadata.status == kStatusRecording) return true;
  return false;
}

}  // namespace

std::optional<RunTally> read_tally(const RecordedRun& run) {
  const Result<std::string> text = read_file(path_of(run), kMaxBytes);
  if (!text) return std::nullopt;
  const Result<Json> json = parse_json(*text);
  if (!json || json->integer("version") != kVersion) return std::nullopt;
  if (dump((*json)["made_of"]) != dump(state_of(run))) return std::nullopt;
  const std::optional<TraceTally> tally = TraceTally::from_json((*json)["tally"]);
  if (!tally) return std::nullopt;
  return RunTally{*tally, (*json)["damaged_lines"].to_uint().value_or(0)};
}

void keep_tally(FileSystem& files, const RecordedRun& run, const RunTally& tally) {
  if (is_being_recorded(run)) return;
  const Json json = Json::object({{"version", kVersion},
                                  {"made_of", state_of(run)},
                                  {"damaged_lines", tally.damaged_lines},
                                  {"tally", tally.tally.to_json()}});
  // It is made again where this fails.
  static_cast<void>(replace_file(files, path_of(run), dump(json) + "\n", Persist::kNothing));
}

}  // namespace agdb

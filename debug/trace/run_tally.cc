#include "debug/trace/run_tally.h"

#include <array>
#include <string>

namespace agdb {
namespace {

// What spans are made of; of the text there is one of the two.
constexpr std::array kSources = {"metadata.json", "events.jsonl", "events.jsonl.zst"};

// ["record id", size, time of change, …] of a part; a file that is not there has -1.
Json state_of(const RecordedRun::Part& part) {
  Json state = Json::array();
  state.push_back(part.metadata.record_id);
  for (const char* name : kSources) append_file_state(state, part.folder + "/" + name);
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

std::optional<KeptTally> read_tally(const RecordedRun& run) {
  return read_tally_file(path_of(run), state_of(run));
}

void keep_tally(FileSystem& files, const RecordedRun& run, const KeptTally& tally) {
  if (!is_being_recorded(run)) keep_tally_file(files, path_of(run), state_of(run), tally);
}

}  // namespace agdb

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "debug/record/reader.h"
#include "debug/record/verify.h"

namespace {

// A recording's folder, gone at the end of the program.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "agdb-fuzz-XXXXXX";
    AGDB_ASSERT(::mkdtemp(pattern.data()) != nullptr, pattern);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  // The only files in it.
  void fill(std::string_view metadata, std::string_view events) const {
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      std::filesystem::remove(entry.path());
    std::ofstream(path_ + "/metadata.json", std::ios::binary) << metadata;
    std::ofstream(path_ + "/events.jsonl", std::ios::binary) << events;
  }

 private:
  std::string path_;
};

std::string metadata_of(std::int64_t version) {
  agdb::RecordingMetadata metadata;
  metadata.record_id = "7-1";
  metadata.pid = agdb::Pid{7};
  metadata.status = agdb::kStatusInterrupted;
  metadata.format_version = version;
  return agdb::metadata_to_json(metadata);
}

void read_through(const std::string& folder) {
  const agdb::Result<agdb::VerifyReport> report = agdb::verify_recording(folder);
  AGDB_ASSERT(report.has_value(), report.error().message);
  const agdb::Result<agdb::Recording> recording = agdb::Recording::open(folder);
  AGDB_ASSERT(recording.has_value(), recording.error().message);
  std::size_t damaged = 0;
  for (std::size_t i = 0; i < recording->size(); ++i) {
    const agdb::EventEntry entry = recording->entry(i);
    AGDB_ASSERT(i == 0 || recording->entry(i - 1).seq_num <= entry.seq_num, "out of order");
    const agdb::Result<agdb::RecordedEvent> event = recording->event_at(i);
    if (!event) ++damaged;
    AGDB_ASSERT(!event || event->seq_num == entry.seq_num, "another event than its entry says");
    AGDB_ASSERT(recording->index_of(entry.seq_num).has_value(), "not found by its number");
    if (entry.type == agdb::EventType::kContextSnapshot || i + 1 == recording->size())
      static_cast<void>(recording->context_at(entry.seq_num));
  }
  AGDB_ASSERT(report->events + damaged == recording->size(), "verify and reader count differently");
}

}  // namespace

// Whatever stands in events.jsonl: opening, reading, rebuilding contexts and verifying do not crash
// and end, and of the events that the index tells of just those cannot be read that verify does not
// count.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  static const std::string metadata[] = {metadata_of(1), metadata_of(2)};
  const std::string_view events(reinterpret_cast<const char*>(data), size);
  folder.fill(metadata[size % 2], events);
  read_through(folder.path());
  return 0;
}

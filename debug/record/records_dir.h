#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/file.h"
#include "debug/record/metadata.h"

namespace agdb {

// Where recordings live: a folder with one folder a recording, named by its id.

// What decides where that is, handed in by whoever runs the program.
struct RecordsDirChoice {
  std::optional<std::string> option;       // --records DIR
  std::optional<std::string> environment;  // $AGDB_RECORDS; empty counts as unset
  std::string working_dir;                 // absolute
};

// The option, else the environment, else the nearest ".agdb/records" that exists upwards from the
// working folder, else the one in it, which need not exist. Absolute.
std::string find_records_dir(const RecordsDirChoice& choice);
// Where what is kept along with the recordings has its place: beside a folder that is called
// "records", as the one in .agdb is, else in it.
std::string beside_recordings(const std::string& records_dir, std::string_view name);
// The folder there that spans are kept in; no recording has this name.
inline constexpr std::string_view kTracesName = "traces";

struct RecordFolder {
  std::string record_id;
  std::string path;
};

// Makes the folder of a new recording, "<pid>-<start, unix seconds>", or with -2, -3, … behind it
// when that is taken: the atomic creation decides, so two recorders never share one. Mode 0700.
Result<RecordFolder> create_record_folder(FileSystem& files, const std::string& records_dir,
                                          Pid pid, WallTime start);

// The folder of the recording with that id, which came from outside and is checked. Not found is an
// error: recording "7-1" not found.
Result<std::string> find_recording(const std::string& records_dir, std::string_view id);

// The folder that a person means: "@" is the newest recording of a process that no recorded process
// spawned (of a run's processes the root); a name with a slash is a path; others are ids, or else
// a folder in the working folder.
Result<std::string> resolve_recording(const std::string& records_dir,
                                      const std::string& working_dir, std::string_view typed);

struct ListedRecording {
  std::string folder;
  // The status is "interrupted" when the writer died, whatever the file says.
  RecordingMetadata metadata;
  bool live = false;  // its writer is at work
};

struct RecordingList {
  std::vector<ListedRecording> recordings;  // in natural order of their ids
  // Folders that hold no readable recording, and why.
  struct Unreadable {
    std::string folder;
    Error error;
  };
  std::vector<Unreadable> unreadable;
};

// All recordings of a records dir, from their metadata alone. No folder, no recordings. Plain files
// and hidden folders are no recordings.
Result<RecordingList> list_recordings(const std::string& records_dir);

// Of that list at least those whose run, trace or process has this id, which may come from anybody:
// the metadata of others are looked through, and mostly not parsed.
Result<RecordingList> list_recordings_naming(const std::string& records_dir, std::string_view id);

// A part of that list, the newest first: by the start that their ids tell, then against their
// order.
struct RecordingPage {
  std::size_t limit = 100;
  std::string before;       // only older ones than this id tells, which need not be there; "": all
  bool roots_only = false;  // not those that another recorded process spawned
};
// Reads no more recordings than it goes through. `unreadable`: of those on the way.
Result<RecordingList> list_recordings(const std::string& records_dir, const RecordingPage& page);

// Deletes a recording's files and its folder. Refuses one that is being written, and a folder that
// is no recording's; files that are none of ours are left, and then the folder too (an error).
Status remove_recording(FileSystem& files, const std::string& folder);

}  // namespace agdb

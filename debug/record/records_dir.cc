#include "debug/record/records_dir.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "debug/record/event_text.h"
#include "debug/record/record_id.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRecordsDir = ".agdb/records";
constexpr std::string_view kListHint = "`agdb record list` shows what there is";
// Far more recordings of one pid in one second than anybody makes.
constexpr int kMaxSuffix = 1'000'000;
// All that a recording's folder may hold, in the order in which it is removed: what a failure
// leaves is a recording that can be removed again.
constexpr std::array<std::string_view, 13> kFiles = {
    "events.jsonl.tmp", "events.jsonl.zst.tmp", "events.jsonl", "events.jsonl.zst", "events.idx",
    "events.sum",       "events.torn",          "script.json",  "script.json.tmp",  "trace.tally",
    "trace.tally.tmp",  "metadata.json.tmp",    "metadata.json"};

std::string absolute(const std::string& path, const std::string& working_dir) {
  return (fs::path(working_dir) / path).lexically_normal().string();
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_recording(const std::string& folder) {
  std::error_code ignored;
  return fs::exists(folder + "/metadata.json", ignored);
}

std::unexpected<Error> not_found(std::string_view typed, std::string_view records_dir) {
  return fail(
      Code::kNotFound,
      fmt::format("recording \"{}\" not found in {}", truncate(to_utf8(typed), 200), records_dir),
      std::string(kListHint));
}

// The names of the folders in the records dir, in natural order.
Result<std::vector<std::string>> record_folders(const std::string& records_dir) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(records_dir, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.') || name == kTracesName) continue;
    if (entries->is_directory(ignored)) names.push_back(std::move(name));
  }
  if (error)
    return std::unexpected(system_error(error.value(), fmt::format("list {}", records_dir)));
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return natural_less(a, b); });
  return names;
}

Result<ListedRecording> read_listed(std::string folder) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  ListedRecording listed{std::move(folder), std::move(metadata)};
  if (listed.metadata.status != kStatusRecording) return listed;
  listed.live = has_writer(listed.folder);
  if (listed.live) return listed;
  // It may have ended between the two looks.
  AGDB_TRY(listed.metadata, read_metadata(listed.folder));
  if (listed.metadata.status == kStatusRecording) listed.metadata.status = kStatusInterrupted;
  return listed;
}

// Whether an id stands in a JSON text as it is.
bool is_plain(std::string_view id) {
  return !id.empty() && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

// False only where the metadata can be read and do not name it. Where they name no trace, its id is
// made of the run's.
bool may_name(const std::string& folder, std::string_view id) {
  const Result<std::string> text = read_metadata_text(folder);
  return !text || text->contains(id) || !text->contains("\"trace_id\"");
}

void add_listed(std::string folder, RecordingList& list) {
  Result<ListedRecording> listed = read_listed(folder);
  if (listed) {
    list.recordings.push_back(*std::move(listed));
  } else {
    list.unreadable.push_back({std::move(folder), std::move(listed).error()});
  }
}

// "7-1769474838" → 1769474838; 0 of an id that tells no start.
std::uint64_t start_told_by(std::string_view id) {
  const std::size_t dash = id.find('-');
  std::uint64_t seconds = 0;
  if (dash != std::string_view::npos)
    std::from_chars(id.data() + dash + 1, id.data() + id.size(), seconds);
  return seconds;
}

bool is_newer(std::string_view a, std::string_view b) {
  const std::uint64_t of_a = start_told_by(a);
  const std::uint64_t of_b = start_told_by(b);
  return of_a != of_b ? of_a > of_b : natural_less(b, a);
}

// Of recordings made at one time, the later in natural order counts as newer.
bool is_older(const ListedRecording* a, const ListedRecording* b) {
  return a->metadata.made_at() < b->metadata.made_at();
}

Result<std::string> newest_recording(const std::string& records_dir) {
  AGDB_TRY(const RecordingList list, list_recordings(records_dir));
  std::vector<const ListedRecording*> candidates;
  for (const ListedRecording& each : list.recordings) {
    const auto& parent = each.metadata.parent;
    if (!parent || parent->record_id.empty()) candidates.push_back(&each);
  }
  if (candidates.empty()) {
    for (const ListedRecording& each : list.recordings) candidates.push_back(&each);
  }
  if (candidates.empty() && !list.unreadable.empty()) {
    const RecordingList::Unreadable& bad = list.unreadable.front();
    return fail(bad.error.code,
                fmt::format("no recording in {} can be read: {}", records_dir, bad.error.message),
                bad.error.hint);
  }
  if (candidates.empty()) {
    return fail(Code::kNotFound, fmt::format("there are no recordings in {}", records_dir),
                "`agdb run --record` and `agdb import` make some");
  }
  std::stable_sort(candidates.begin(), candidates.end(), is_older);
  return candidates.back()->folder;
}

Result<std::string> recording_at(const std::string& path) {
  if (!is_folder(path))
    return fail(Code::kNotFound, fmt::format("there is no folder {}", path),
                std::string(kListHint));
  if (!is_recording(path))
    return fail(Code::kNotFound, fmt::format("{} is no recording: it has no metadata.json", path),
                std::string(kListHint));
  return path;
}

}  // namespace

std::string find_records_dir(const RecordsDirChoice& choice) {
  if (choice.option) return absolute(*choice.option, choice.working_dir);
  if (choice.environment && !choice.environment->empty())
    return absolute(*choice.environment, choice.working_dir);
  const fs::path start = fs::path(choice.working_dir).lexically_normal();
  for (fs::path at = start;; at = at.parent_path()) {
    const std::string candidate = (at / kRecordsDir).string();
    if (is_folder(candidate)) return candidate;
    if (at == at.parent_path()) return (start / kRecordsDir).string();
  }
}

Result<RecordFolder> create_record_folder(FileSystem& files, const std::string& records_dir,
                                          Pid pid, WallTime start) {
  AGDB_CHECK_OK(make_dirs(files, records_dir));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(start).time_since_epoch().count();
  const std::string base = fmt::format("{}-{}", raw(pid), seconds);
  std::string id = base;
  for (int suffix = 2; suffix <= kMaxSuffix; ++suffix) {
    std::string path = fmt::format("{}/{}", records_dir, id);
    const int made = files.make_dir(path, 0700);
    if (made >= 0) return RecordFolder{std::move(id), std::move(path)};
    if (made != -EEXIST)
      return std::unexpected(system_error(-made, fmt::format("create folder {}", path)));
    id = fmt::format("{}-{}", base, suffix);
  }
  return fail(Code::kExhausted,
              fmt::format("{} has too many recordings called {}", records_dir, base),
              "remove some (agdb record rm)");
}

Result<std::string> find_recording(const std::string& records_dir, std::string_view id) {
  AGDB_CHECK_OK(check_record_id(id));
  std::string folder = fmt::format("{}/{}", records_dir, id);
  if (!is_recording(folder)) return not_found(id, records_dir);
  return folder;
}

Result<std::string> resolve_recording(const std::string& records_dir,
                                      const std::string& working_dir, std::string_view typed) {
  if (typed == "@") return newest_recording(records_dir);
  const std::string path = absolute(std::string(typed), working_dir);
  if (typed.find('/') != std::string_view::npos) return recording_at(path);
  Result<std::string> found = find_recording(records_dir, typed);
  if (!found && !typed.empty() && is_recording(path)) return path;
  return found;
}

std::string beside_recordings(const std::string& records_dir, std::string_view name) {
  fs::path dir = (fs::path(records_dir) / "").lexically_normal().parent_path();
  if (dir.filename() == "records") dir = dir.parent_path();
  return (dir / name).string();
}

Result<RecordingList> list_recordings(const std::string& records_dir) {
  AGDB_TRY(const std::vector<std::string> names, record_folders(records_dir));
  RecordingList list;
  for (const std::string& name : names) add_listed(fmt::format("{}/{}", records_dir, name), list);
  return list;
}

Result<RecordingList> list_recordings_naming(const std::string& records_dir, std::string_view id) {
  if (!is_plain(id)) return list_recordings(records_dir);
  AGDB_TRY(const std::vector<std::string> names, record_folders(records_dir));
  RecordingList list;
  for (const std::string& name : names) {
    std::string folder = fmt::format("{}/{}", records_dir, name);
    if (may_name(folder, id)) add_listed(std::move(folder), list);
  }
  return list;
}

Result<RecordingList> list_recordings(const std::string& records_dir, const RecordingPage& page) {
  if (!page.before.empty()) AGDB_CHECK_OK(check_record_id(page.before));
  AGDB_TRY(std::vector<std::string> names, record_folders(records_dir));
  // Where a recording stood that has gone meanwhile only its id can tell.
  if (!page.before.empty() && start_told_by(page.before) == 0 &&
      std::ranges::find(names, page.before) == names.end())
    return not_found(page.before, records_dir);
  if (!page.before.empty())
    std::erase_if(names, [&](const std::string& name) { return !is_newer(page.before, name); });
  std::sort(names.begin(), names.end(), is_newer);
  RecordingList list;
  for (const std::string& name : names) {
    if (list.recordings.size() >= page.limit) break;
    std::string folder = fmt::format("{}/{}", records_dir, name);
    Result<ListedRecording> listed = read_listed(folder);
    if (!listed) {
      list.unreadable.push_back({std::move(folder), std::move(listed).error()});
    } else if (!page.roots_only || is_root(listed->metadata)) {
      list.recordings.push_back(*std::move(listed));
    }
  }
  return list;
}

Status remove_recording(FileSystem& files, const std::string& folder) {
  AGDB_CHECK_OK(recording_at(folder));
  if (has_writer(folder)) {
    return fail(Code::kInvalid, fmt::format("recording {} is being written", folder),
                "stop it first (agdb record stop PID)");
  }
  for (const std::string_view name : kFiles) {
    const std::string path = fmt::format("{}/{}", folder, name);
    const int removed = files.remove(path);
    if (removed < 0 && removed != -ENOENT)
      return std::unexpected(system_error(-removed, fmt::format("remove {}", path)));
  }
  const int removed = files.remove_dir(folder);
  if (removed == -ENOTEMPTY || removed == -EEXIST) {
    return fail(Code::kInvalid,
                fmt::format("{} holds files that are no part of a recording", folder),
                "the recording is gone; look through the folder and remove it by hand");
  }
  if (removed < 0) return std::unexpected(system_error(-removed, fmt::format("remove {}", folder)));
  return {};
}

}  // namespace agdb

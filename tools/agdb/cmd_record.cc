#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>

#include "debug/record/compress.h"
#include "debug/record/records_dir.h"
#include "debug/record/recovery.h"
#include "debug/replay/replay_line.h"
#include "debug/replay/screen_text.h"
#include "tools/agdb/command.h"
#include "tools/agdb/input_file.h"
#include "tools/agdb/local_time.h"
#include "tools/agdb/record_living.h"
#include "tools/agdb/recording_argument.h"

namespace agdb {
namespace {

struct RecordArguments {
  std::vector<std::string> records;
  bool all = false;
  bool ids = false;
  bool json = false;
};

Result<RecordingList> list_all(Environment& env) {
  AGDB_TRY(RecordingList list, list_recordings(records_dir(env)));
  for (const RecordingList::Unreadable& bad : list.unreadable)
    env.console->warn(fmt::format("{}: {}", bad.folder, bad.error.message));
  return list;
}

// How it ended, in one word or two; whether it still goes on.
std::string state_of(const ListedRecording& recording) {
  const RecordingMetadata& m = recording.metadata;
  if (recording.live) return "recording";
  if (m.status != kStatusCompleted || m.exit_reason.empty()) return m.status;
  return m.exit_reason == "completed_with_tool_errors" ? "tool errors" : m.exit_reason;
}

// To the minute; empty where the log that it was made from knows no times.
std::string start_of(const RecordingMetadata& m) {
  return m.start_time && m.time_source != "order" ? local_time(*m.start_time).substr(0, 16) : "";
}

// Metadata counts at the end: what is being written, or was left behind, is counted here.
std::string events_of(const ListedRecording& recording) {
  const RecordingMetadata& m = recording.metadata;
  if (!recording.live && m.status != kStatusInterrupted) return fmt::format("{}", m.event_count);
  const Result<Recording> opened = Recording::open(recording.folder);
  return opened ? fmt::format("{}", opened->size()) : "?";
}

constexpr std::size_t kColumns = 6;
using Row = std::array<std::string, kColumns + 1>;  // the last is the intent

Row row_of(const ListedRecording& recording, std::size_t processes) {
  const RecordingMetadata& m = recording.metadata;
  return {m.record_id,
          fmt::format("{}", raw(m.pid)),
          state_of(recording),
          events_of(recording),
          fmt::format("{}", processes),
          start_of(m),
          m.intent};
}

// Columns as wide as they must be; the intent has the rest of the line.
std::string table(const std::vector<Row>& rows, std::size_t width) {
  const Row head = {"RECORD-ID", "PID", "STATUS", "EVENTS", "PROCS", "START", "INTENT"};
  std::array<std::size_t, kColumns> widths{};
  std::size_t fixed = 0;
  for (std::size_t column = 0; column < kColumns; ++column) {
    widths[column] = head[column].size();
    for (const Row& row : rows) widths[column] = std::max(widths[column], row[column].size());
    fixed += widths[column] + 1;
  }
  const std::size_t room = width == 0 ? 60 : width > fixed + 10 ? width - fixed : 10;
  const auto line = [&](const Row& row) {
    std::string text;
    for (std::size_t column = 0; column < kColumns; ++column)
      text += fmt::format("{:<{}} ", row[column], widths[column]);
    return text + screen_line(row[kColumns], room) + "\n";
  };
  std::string text = line(head);
  for (const Row& row : rows) text += line(row);
  return text;
}

// Where there is nothing to list; what is broken has been named by then.
void note_nothing(const RecordingList& found, Environment& env) {
  if (found.unreadable.empty()) {
    env.console->note(fmt::format(
        "no recordings in {}; `agdb run SCRIPT --record` or `agdb import FILE` makes one",
        records_dir(env)));
  } else {
    env.console->note(fmt::format("no recording in {} can be read", records_dir(env)));
  }
}

Result<ExitCode> list(const RecordArguments& arguments, Environment& env) {
  AGDB_TRY(const RecordingList found, list_all(env));
  // A process that was stopped and started again has several recordings.
  std::map<std::string, std::set<Pid>> processes;
  for (const ListedRecording& recording : found.recordings)
    processes[recording.metadata.run_id].insert(recording.metadata.pid);
  Console& console = *env.console;
  std::vector<Row> rows;
  for (const ListedRecording& recording : found.recordings) {
    if (!arguments.all && !is_root(recording.metadata)) continue;
    const RecordingMetadata& m = recording.metadata;
    if (arguments.json) {
      AGDB_TRY(const Json json, metadata_json(m));
      console.print_line(dump(json, {.sorted = false}));
    } else if (arguments.ids) {
      console.print_line(m.record_id);
    } else {
      rows.push_back(row_of(recording, m.run_id.empty() ? 1 : processes[m.run_id].size()));
    }
  }
  if (arguments.json || arguments.ids) return ExitCode::kDone;
  if (rows.empty()) {
    note_nothing(found, env);
    return ExitCode::kDone;
  }
  const std::string text = table(rows, console.width());
  console.start_pager();
  console.print(text);
  return ExitCode::kDone;
}

using Children = std::multimap<std::string, const ListedRecording*>;

// The processes of a run below one of them. Iterative: what parents say comes from files.
std::string tree(const ListedRecording& root, const Children& children, std::size_t width) {
  struct Node {
    const ListedRecording* recording;
    std::size_t depth;
  };
  std::string text;
  std::vector<Node> open = {{&root, 0}};
  std::map<std::string, bool> seen;
  while (!open.empty()) {
    const Node node = open.back();
    open.pop_back();
    const RecordingMetadata& m = node.recording->metadata;
    if (std::exchange(seen[m.record_id], true)) continue;
    const std::string events = events_of(*node.recording);
    const std::string line =
        fmt::format("{}{}  pid {}  {}  {} {}  ", std::string(2 + 2 * node.depth, ' '), m.record_id,
                    raw(m.pid), m.exit_reason.empty() ? m.status : m.exit_reason, events,
                    events == "1" ? "event" : "events");
    text +=
        line +
        screen_line(m.intent, width == 0 ? 40 : std::max(width, line.size() + 10) - line.size()) +
        "\n";
    const auto [first, last] = children.equal_range(m.record_id);
    std::vector<Node> below;
    for (auto child = first; child != last; ++child)
      below.push_back({child->second, node.depth + 1});
    open.insert(open.end(), below.rbegin(), below.rend());
  }
  return text;
}

Result<ExitCode> info(const RecordArguments& arguments, Environment& env) {
  AGDB_TRY(const Recording recording, open_recording(arguments.records.front(), env));
  if (arguments.json) {
    AGDB_TRY(const Json json, metadata_json(recording.metadata()));
    env.console->print_line(dump(json, {.sorted = false, .indent = 2}));
    return ExitCode::kDone;
  }
  std::string text = replay_summary(recording.metadata(), recording.size()) + "\n";
  AGDB_TRY(const RecordingList found, list_all(env));
  Children children;
  const ListedRecording* self = nullptr;
  for (const ListedRecording& listed : found.recordings) {
    if (listed.metadata.parent) children.emplace(listed.metadata.parent->record_id, &listed);
    if (listed.metadata.record_id == recording.metadata().record_id) self = &listed;
  }
  if (self != nullptr) text += "\nProcesses:\n" + tree(*self, children, env.console->width());
  env.console->print(text);
  return ExitCode::kDone;
}

// The recording and those of all processes that descend from it: contexts hold secrets, so nothing
// of a run that a person removes is left where no list shows it.
std::vector<std::string> with_descendants(const std::string& folder, const RecordingList& list) {
  std::vector<std::string> folders = {folder};
  std::vector<std::string> ids;
  for (const ListedRecording& recording : list.recordings)
    if (recording.folder == folder) ids.push_back(recording.metadata.record_id);
  for (std::size_t i = 0; i < ids.size(); ++i)
    for (const ListedRecording& recording : list.recordings) {
      const RecordingMetadata& m = recording.metadata;
      if (!m.parent || m.parent->record_id != ids[i] ||
          std::ranges::find(ids, m.record_id) != ids.end())
        continue;
      ids.push_back(m.record_id);
      folders.push_back(recording.folder);
    }
  return folders;
}

Result<ExitCode> rm(const RecordArguments& arguments, Environment& env) {
  FileSystem files;
  for (const std::string& record : arguments.records) {
    AGDB_TRY(const std::string folder,
             resolve_recording(records_dir(env), env.working_dir, record));
    AGDB_TRY(const RecordingList found, list_recordings(records_dir(env)));
    for (const std::string& each : with_descendants(folder, found)) {
      AGDB_CHECK_OK(remove_recording(files, each));
      env.console->note(fmt::format("removed {}", each));
    }
  }
  return ExitCode::kDone;
}

// "1.2 MB", in steps of a thousand.
std::string size_text(std::uint64_t bytes) {
  if (bytes < 1'000) return fmt::format("{} bytes", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

using Compress = Result<CompressReport> (*)(FileSystem&, const std::string&,
                                            const CompressProgress&);

// Both ways: compress_recording or decompress_recording on each of the recordings.
template <Compress compress>
Result<ExitCode> convert(const RecordArguments& arguments, Environment& env) {
  FileSystem files;
  for (const std::string& record : arguments.records) {
    AGDB_TRY(const std::string folder,
             resolve_recording(records_dir(env), env.working_dir, record));
    Result<CompressReport> report = [&] {
      Progress progress(*env.console, "working", 0, "MB", 1'000'000);
      return compress(files, folder, progress.updater());
    }();
    if (!report) return std::unexpected(std::move(report).error());
    if (arguments.json) {
      env.console->print_line(dump(Json::object({{"folder", folder},
                                                 {"text_bytes", report->text_bytes},
                                                 {"compressed_bytes", report->compressed_bytes},
                                                 {"already", report->already}})));
    } else if (report->already) {
      env.console->note(fmt::format("{}: nothing to do", folder));
    } else {
      env.console->note(fmt::format("{}: {} of text, {} compressed ({:.1f} : 1)", folder,
                                    size_text(report->text_bytes),
                                    size_text(report->compressed_bytes), report->ratio()));
    }
  }
  return ExitCode::kDone;
}

Result<ExitCode> recover(const RecordArguments& arguments, Environment& env) {
  FileSystem files;
  for (const std::string& record : arguments.records) {
    AGDB_TRY(const std::string folder,
             resolve_recording(records_dir(env), env.working_dir, record));
    AGDB_TRY(const RecoveryReport report, recover_recording(files, folder));
    if (arguments.json) {
      env.console->print_line(dump(Json::object({{"folder", folder},
                                                 {"recovered", report.recovered},
                                                 {"events", report.events},
                                                 {"bytes", report.bytes},
                                                 {"torn_bytes", report.torn_bytes}})));
      continue;
    }
    for (const std::string& note : report.notes)
      env.console->note(fmt::format("{}: {}", folder, note));
    if (!report.recovered) env.console->note(fmt::format("{}: nothing to recover", folder));
  }
  return ExitCode::kDone;
}

using Work = Result<ExitCode> (*)(const RecordArguments& arguments, Environment& env);

Runner declare_list(CommandLine& line) {
  auto arguments = std::make_shared<RecordArguments>();
  line.flag("--all", arguments->all, "also the processes that others spawned");
  line.flag("--ids", arguments->ids, "record ids alone, a line each");
  line.flag("--json", arguments->json, "the metadata, one JSON object a line");
  return [arguments](Environment& env) { return list(*arguments, env); };
}

Runner declare_info(CommandLine& line) {
  auto arguments = std::make_shared<RecordArguments>();
  add_recording_argument(line, arguments->records.emplace_back());
  line.flag("--json", arguments->json, "the metadata as one JSON document");
  return [arguments](Environment& env) { return info(*arguments, env); };
}

// What is done to each of some recordings.
Runner declare_work(CommandLine& line, Work work, bool json) {
  auto arguments = std::make_shared<RecordArguments>();
  line.argument("RECORD", arguments->records, "record ids or folders")
      .required()
      .is(ValueKind::kRecord);
  if (json) line.flag("--json", arguments->json, "a JSON object a recording");
  return [arguments, work](Environment& env) { return work(*arguments, env); };
}

Runner declare_rm(CommandLine& line) {
  return declare_work(line, rm, false);
}
Runner declare_compress(CommandLine& line) {
  return declare_work(line, convert<compress_recording>, true);
}
Runner declare_decompress(CommandLine& line) {
  return declare_work(line, convert<decompress_recording>, true);
}
Runner declare_recover(CommandLine& line) {
  return declare_work(line, recover, true);
}

}  // namespace

Runner declare_record(CommandLine& line) {
  static const std::vector<Command> kCommands = {
      {"", "list", "the runs that are recorded; --all: every process",
       "agdb record list\nagdb record list --all --json", declare_list},
      {"", "info", "what a recording is, and its run's tree of processes", "agdb record info @",
       declare_info},
      {"", "start", "record a living process from now on", "agdb record start 1 --children",
       declare_record_start},
      {"", "stop", "end its recording; the process goes on", "agdb record stop 1",
       declare_record_stop},
      {"", "rm", "delete recordings, with those of the processes they spawned", "agdb record rm @",
       declare_rm},
      {"", "compress", "compress finished recordings; every command reads them as before",
       "agdb record compress @", declare_compress},
      {"", "decompress", "the way back", "agdb record decompress @", declare_decompress},
      {"", "recover", "end recordings whose writer died (reading one does so by itself)",
       "agdb record recover @", declare_recover},
  };
  return declare_commands(line, kCommands);
}

}  // namespace agdb

#include "tools/agdb/import_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "debug/import/importers.h"
#include "debug/import/record_session.h"
#include "debug/record/record_id.h"
#include "runtime/events/hash.h"
#include "tools/agdb/input_file.h"
#include "tools/agdb/run_store.h"

namespace agdb {
namespace {

namespace fs = std::filesystem;

class DiskFiles final : public SessionFiles {
 public:
  Result<std::string> read(const std::string& path) override { return read_input_file(path); }
  std::vector<std::string> list(const std::string& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
      names.push_back(entry->path().filename().string());
    std::ranges::sort(names);
    return names;
  }
};

// Sub-agents' descriptions ("agent-1.meta.json") are read with their logs.
bool may_be_log(const fs::path& path) {
  if (path.filename().string().ends_with(".meta.json")) return false;
  return path.extension() == ".jsonl" || path.extension() == ".json";
}

bool is_own_recording(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "metadata.json", ignored) &&
         (fs::exists(folder / "events.jsonl", ignored) ||
          fs::exists(folder / "events.jsonl.zst", ignored));
}

// Nothing but a script has this key, and it has it at the top.
bool looks_like_script(std::string_view text) {
  return text.substr(0, 4096).find("\"agdb_script\"") != std::string_view::npos;
}

}  // namespace

Result<ReadLog> read_log(const std::string& path, const std::string& format) {
  AGDB_TRY(const std::string text, read_input_file(path));
  ReadLog read;
  read.path = path;
  read.source.name = path == "-" ? "stdin" : fs::path(path).filename().string();
  read.source.size = text.size();
  read.source.hash = xxh3_128(text).hex();
  const std::string_view detected =
      format.empty() ? detect_session_format(text) : std::string_view(format);
  DiskFiles files;
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    read.log.format = std::string(detected);
  } else if (detected == "claude-code") {
    AGDB_TRY(read.log, import_claude_code(text, path, files));
  } else if (detected == "openai-chat") {
    AGDB_TRY(read.log, import_openai_chat(text, path));
  } else if (detected == "otlp") {
    AGDB_TRY(read.log, import_otlp(text, path));
  } else if (looks_like_script(text)) {
    return fail(Code::kUnsupported, fmt::format("{} is an agent script, no session log", path),
                fmt::format("`agdb run {}` runs it", path));
  } else {
    return fail(Code::kUnsupported, fmt::format("{} is no session log that agdb knows", path),
                "known are claude-code, openai-chat and otlp; --format names one");
  }
  read.source.format = read.log.format;
  read.source.not_understood = read.log.not_understood;
  return read;
}

Result<LogFiles> log_files(const std::string& path) {
  std::error_code error;
  if (path == "-") return LogFiles{.paths = {path}};
  const bool folder = fs::is_directory(path, error);
  const fs::path holder = folder ? fs::path(path) : fs::path(path).parent_path();
  if (is_own_recording(holder))
    return fail(Code::kInvalid, fmt::format("{} is a recording already", path),
                fmt::format("`agdb show {}/` shows it", holder.string()));
  if (!folder) return LogFiles{.paths = {path}};
  LogFiles found;
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && is_own_recording(entry->path())) {
      entry.disable_recursion_pending();
      ++found.own_recordings;
    } else if (entry->is_regular_file(ignored) && may_be_log(entry->path())) {
      found.paths.push_back(entry->path().string());
    }
  }
  if (error)
    return fail(Code::kIo, fmt::format("cannot read the folder {}: {}", path, error.message()));
  const auto is_agent = [](const std::string& file) {
    return file.find("agent-") != std::string::npos;
  };
  std::ranges::sort(found.paths, [&](const std::string& a, const std::string& b) {
    if (is_agent(a) != is_agent(b)) return is_agent(b);
    return natural_less(a, b);
  });
  return found;
}

Result<std::vector<ImportedRun>> record_log(const ReadLog& read, Environment& env) {
  RecordingOptions options;
  options.records_dir = records_dir(env);
  options.source = read.source;
  FileSystem disk;
  ImportRecorder recorder(disk, std::move(options),
                          [&](const std::string& line) { env.console->warn(line); });
  std::uint64_t processes = 0;
  for (const SessionRun& run : read.log.runs) processes += run.processes.size();
  Progress progress(*env.console, "recording", processes, "processes");
  std::uint64_t written = 0;
  std::vector<ImportedRun> recorded;
  for (std::size_t i = 0; i < read.log.runs.size(); ++i) {
    AGDB_TRY(RecordedSession session,
             recorder.record(read.log.runs[i], [&] { progress.update(++written); }));
    recorded.push_back(
        {.run = i, .record_ids = std::move(session.record_ids), .events = session.events});
    if (i > 0) keep_runs(recorded.back().record_ids, env);
  }
  AGDB_CHECK_OK(recorder.finish());
  if (!recorded.empty()) keep_runs(recorded.front().record_ids, env);
  return recorded;
}

}  // namespace agdb

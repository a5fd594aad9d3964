#include "record_fixture.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "debug/record/verify.h"
#include "runtime/events/token_estimate.h"

namespace agdb {

TempFolder::TempFolder() {
  std::string pattern = testing::TempDir() + "agdb-record-XXXXXX";
  path_ = ::mkdtemp(pattern.data());
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Message message(std::string role, std::string content) {
  return {.role = std::move(role), .content = std::move(content)};
}

std::vector<Message> copy_of(const std::vector<MessagePtr>& messages) {
  std::vector<Message> copies;
  for (const MessagePtr& each : messages) copies.push_back(*each);
  return copies;
}

Event ProcessEvents::payload(Event::Payload payload) {
  ++n_;
  return {.pid = pid_,
          .n = n_,
          .timestamp = std::chrono::milliseconds(n_),
          .payload = std::move(payload)};
}

Event ProcessEvents::call(std::string name, Json args, Json result) {
  return payload(Syscall{.name = std::move(name),
                         .args = std::move(args),
                         .result = std::move(result),
                         .err = {},
                         .duration = std::chrono::microseconds(5)});
}

Event ProcessEvents::append(CtxId ctx, std::string role, std::string content) {
  return context(ctx, contexts_[ctx].tokens.size(), {message(std::move(role), std::move(content))});
}

Event ProcessEvents::context(CtxId ctx, std::uint64_t keep, std::vector<Message> messages,
                             std::optional<std::string> prompt) {
  Context& held = contexts_[ctx];
  ContextChange change{.ctx_id = ctx, .keep = keep};
  held.tokens.resize(keep);
  for (Message& each : messages) {
    held.tokens.push_back(estimate_tokens(each));
    change.messages.push_back(std::make_shared<const Message>(std::move(each)));
  }
  if (prompt) {
    held.prompt_tokens = estimate_tokens(std::string_view(*prompt));
    change.system_prompt = std::make_shared<const std::string>(*std::move(prompt));
  }
  change.tokens = std::accumulate(held.tokens.begin(), held.tokens.end(), held.prompt_tokens);
  return payload(std::move(change));
}

int FaultyFileSystem::open(const std::string& path, int flags, unsigned mode) {
  const int fd = FileSystem::open(path, flags, mode);
  if (fd >= 0) paths_[fd] = path;
  return fd;
}

bool FaultyFileSystem::is_meant(int fd) const {
  const auto found = paths_.find(fd);
  const std::string path = found == paths_.end() ? "" : found->second;
  if (!only_.empty()) return path.ends_with(only_);
  return !path.ends_with("/events.idx") && !path.ends_with("/events.sum");
}

std::int64_t FaultyFileSystem::write(int fd, std::string_view bytes) {
  if (!is_meant(fd)) return FileSystem::write(fd, bytes);
  ++writes_;
  if (writes_ < fault_.first || writes_ > fault_.last) return FileSystem::write(fd, bytes);
  if (fault_.partial > 0 && !std::exchange(partial_done_, true))
    return FileSystem::write(fd, bytes.substr(0, fault_.partial));
  if (fault_.error == 0) return FileSystem::write(fd, bytes.substr(0, 1));
  return -fault_.error;
}

int FaultyFileSystem::truncate(int fd, std::uint64_t size) {
  return fail_truncate_ ? -EIO : FileSystem::truncate(fd, size);
}

int FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  return rename_error_ != 0 ? -rename_error_ : FileSystem::rename(from, to);
}

int FaultyFileSystem::sync(int) {
  // What reaches the disk is not what these tests are about, and takes milliseconds each.
  ++syncs_;
  return -sync_error_;
}

ProcessStart RecordTest::birth() {
  ProcessStart start;
  start.intent = "count the words";
  start.run_id = "run-1";
  start.trace_id = std::string(32, 'a');
  start.model = "scripted-model";
  start.wall_start = WallTime(std::chrono::seconds(1'700'000'000));
  return start;
}

std::unique_ptr<Recorder> RecordTest::recorder(RecorderOptions options) {
  return recorder_of(pid(7), birth(), std::move(options));
}

std::unique_ptr<Recorder> RecordTest::recorder_of(Pid pid, const ProcessStart& start,
                                                  RecorderOptions options) {
  auto created = Recorder::create(files_, records_, pid, start, std::move(options), log());
  EXPECT_TRUE(created) << created.error().message;
  return created ? *std::move(created) : nullptr;
}

RecordingLog RecordTest::log() {
  return [this](const std::string& line) { logged_.push_back(line); };
}

Recording RecordTest::open(const std::string& folder) {
  Result<Recording> recording = Recording::open(folder);
  if (!recording) {
    ADD_FAILURE() << recording.error().message;
    std::abort();
  }
  return *std::move(recording);
}

std::string RecordTest::recording(std::string_view metadata, std::string_view events) {
  static int count = 0;
  const std::string folder = temp_ / ("made-" + std::to_string(++count));
  std::filesystem::create_directories(folder);
  write_text(folder + "/metadata.json", metadata);
  write_text(folder + "/events.jsonl", events);
  return folder;
}

std::string RecordTest::recording(std::string_view events, std::int64_t version) {
  RecordingMetadata metadata;
  metadata.record_id = "7-1700000000";
  metadata.pid = pid(7);
  metadata.status = kStatusCompleted;
  metadata.format_version = version;
  metadata.event_count = static_cast<std::uint64_t>(std::count(events.begin(), events.end(), '\n'));
  metadata.content_hash = xxh3_128(events).hex();
  return recording(metadata_to_json(metadata), events);
}

void expect_sound(const std::string& folder) {
  const Result<VerifyReport> report = verify_recording(folder);
  ASSERT_TRUE(report) << report.error().message;
  for (const VerifyFinding& finding : report->findings)
    ADD_FAILURE() << folder << " line " << finding.line << ": " << finding.what;
  const std::string text = read_text(folder + "/events.jsonl");
  EXPECT_TRUE(text.empty() || text.ends_with('\n')) << folder;
}

}  // namespace agdb

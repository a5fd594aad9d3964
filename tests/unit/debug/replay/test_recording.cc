#include "tests/unit/debug/replay/test_recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <utility>

#include "runtime/events/token_estimate.h"

namespace agdb {

namespace {

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  ASSERT_TRUE(file) << path;
}

std::string new_folder() {
  std::string pattern = testing::TempDir() + "agdb_replay_XXXXXX";
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  return pattern;
}

Nanoseconds time_of(std::uint64_t seq) {
  return std::chrono::milliseconds(100) * seq;
}

}  // namespace

TestRecording::TestRecording(Version version) {
  metadata_.record_id = "42-1709856000";
  metadata_.pid = Pid{42};
  metadata_.intent = "test intent";
  metadata_.start_time = *parse_wall_time("2024-03-08T00:00:00Z");
  metadata_.end_time = *parse_wall_time("2024-03-08T00:01:00Z");
  metadata_.status = kStatusCompleted;
  metadata_.format_version = version == Version::k1 ? 1 : 2;
}

SeqNum TestRecording::call(std::string name, Json args, Json result) {
  RecordedEvent recorded = event("syscall");
  recorded.payload = Syscall{.name = std::move(name),
                             .args = std::move(args),
                             .result = std::move(result),
                             .err = {},
                             .duration = std::chrono::milliseconds(1)};
  return append(recorded);
}

SeqNum TestRecording::response(LlmResponse response) {
  RecordedEvent recorded = event("llm_response");
  recorded.payload = std::move(response);
  return append(recorded);
}

SeqNum TestRecording::gap() {
  RecordedEvent recorded = event("gap");
  recorded.payload = Gap{3, 17, "ring full"};
  return append(recorded);
}

SeqNum TestRecording::texts(const std::vector<std::string>& texts) {
  RecordedEvent recorded = event("context_snapshot");
  recorded.payload = ContextSnapshot{.kind = ContextSnapshot::Kind::kVersion1,
                                     .system_prompt = {},
                                     .messages = {},
                                     .texts = texts,
                                     .hash = {}};
  return append(recorded);
}

SeqNum TestRecording::context(const std::string& prompt, const std::vector<Message>& messages,
                              CtxId ctx) {
  std::vector<MessagePtr>& before = contexts_[ctx];
  const auto same = [](const Message& a, const MessagePtr& b) { return a == *b; };
  const auto kept = static_cast<std::size_t>(
      std::mismatch(messages.begin(), messages.end(), before.begin(), before.end(), same).first -
      messages.begin());
  before.resize(kept);
  ContextChange change{.ctx_id = ctx,
                       .keep = kept,
                       .messages = {},
                       .system_prompt = std::make_shared<const std::string>(prompt),
                       .tokens = estimate_tokens(prompt)};
  for (std::size_t i = kept; i < messages.size(); ++i) {
    before.push_back(std::make_shared<const Message>(messages[i]));
    change.messages.push_back(before.back());
  }
  for (const Message& message : messages) change.tokens += estimate_tokens(message);

  const std::uint64_t seq = next_seq_++;
  EXPECT_TRUE(chain_.take(change));
  const std::size_t begin = text_.size();
  chain_.append_line(text_, {SeqNum{seq}, seq, time_of(seq), metadata_.pid}, ctx);
  chain_.written(ctx, SeqNum{seq}, text_.size() - begin);
  return SeqNum{seq};
}

void TestRecording::line(std::string_view text) {
  text_ += text;
  text_ += '\n';
}

Recording TestRecording::open() {
  const std::string folder = new_folder();
  write_file(folder + "/metadata.json", metadata_to_json(metadata_));
  write_file(folder + "/events.jsonl", text_);
  Result<Recording> recording = Recording::open(folder);
  if (!recording) {
    ADD_FAILURE() << recording.error().message;
    std::abort();
  }
  return *std::move(recording);
}

RecordedEvent TestRecording::event(std::string type) {
  RecordedEvent recorded;
  recorded.seq_num = SeqNum{next_seq_};
  recorded.timestamp = time_of(next_seq_);
  recorded.pid = metadata_.pid;
  recorded.type = std::move(type);
  ++next_seq_;
  return recorded;
}

SeqNum TestRecording::append(const RecordedEvent& event) {
  append_line(text_, event);
  return event.seq_num;
}

Message user(std::string content) {
  return {.role = "user", .content = std::move(content)};
}

Message assistant(std::string content) {
  return {.role = "assistant", .content = std::move(content)};
}

}  // namespace agdb

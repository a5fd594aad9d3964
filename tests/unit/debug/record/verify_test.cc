#include "debug/record/verify.h"

#include <filesystem>

#include "debug/record/event_line.h"
#include "debug/record/sidecars.h"
#include "record_fixture.h"
#include "tests/unit/source_tree.h"

namespace agdb {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = VerifyFinding::Kind;

auto finding(Kind kind, std::uint64_t line, std::string what) {
  return AllOf(Field(&VerifyFinding::kind, kind), Field(&VerifyFinding::line, line),
               Field(&VerifyFinding::what, HasSubstr(what)));
}

class VerifyTest : public RecordTest {
 protected:
  VerifyReport verify(const std::string& folder) {
    const Result<VerifyReport> report = verify_recording(folder);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(VerifyReport());
  }
  // A recording with calls, a context with edits, and a loss.
  std::string recorded() {
    ProcessEvents process(pid(7));
    const auto recorder = this->recorder();
    const auto record = [&](const Event& event) { recorder->record(event, Nanoseconds(1)); };
    record(process.context(ctx(1), 0, {message("user", std::string(400, 'x'))}, "p"));
    record(process.call("Open"));
    record(process.append(ctx(1), "assistant", "hi"));
    process.lose(2);
    record(process.call("Close"));
    record(process.append(ctx(1), "user", "bye"));
    record(process.append(ctx(1), "user", "again"));
    EXPECT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
    return recorder->folder();
  }
  static std::string call_line(std::uint64_t number, std::uint64_t n) {
    std::string out;
    append_line(out, {.seq_num = seq(number), .n = n, .pid = pid(7)}, Syscall{.name = "Call"});
    return out;
  }
};

TEST_F(VerifyTest, WhatOurRecorderWritesIsRight) {
  const VerifyReport report = verify(recorded());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.events, 7u);
  EXPECT_EQ(report.snapshots, 4u);
  EXPECT_GT(report.bytes, 0u);
  EXPECT_FALSE(report.live);
}

TEST_F(VerifyTest, AnyFlippedByteIsFound) {
  const std::string folder = recorded();
  const std::string path = folder + "/events.jsonl";
  const std::string good = read_text(path);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_text(path, bad);
    EXPECT_FALSE(verify(folder).ok()) << "byte " << at;
  }
}

TEST_F(VerifyTest, AChangedMessageIsTracedToItsSnapshots) {
  const std::string folder = recorded();
  std::string text = read_text(folder + "/events.jsonl");
  text[text.find("\"bye\"") + 1] = 'B';
  write_text(folder + "/events.jsonl", text);
  EXPECT_THAT(verify(folder).findings,
              ElementsAre(finding(Kind::kSnapshot, 6, "#6 does not match its hash"),
                          finding(Kind::kSnapshot, 7, "#7 does not match its hash"),
                          finding(Kind::kSum, 1, "block 0 (bytes 0 to"),
                          finding(Kind::kMetadata, 0, "content_hash")));
}

TEST_F(VerifyTest, AllFindingsAreReportedNotTheFirst) {
  const std::string bad = "{\"seq_num\":3,\"syscall\":\n";
  const std::string text =
      call_line(1, 1) + "{\"seq_num\":2,\"pid\":7,\"type\":\"dream\"}\n" + bad + call_line(6, 4) +
      "{\"seq_num\":7,\"pid\":9,\"type\":\"syscall\"}\n" + call_line(7, 9) + "{\"to";
  const VerifyReport report = verify(recording(text));
  EXPECT_THAT(report.findings,
              ElementsAre(finding(Kind::kType, 2, "\"dream\""), finding(Kind::kLine, 3, ""),
                          finding(Kind::kNumber, 4, "seq_num 6 stands behind 2: 2 missing"),
                          finding(Kind::kGap, 4, "n 4 stands behind 1: 1 events are missing"),
                          finding(Kind::kMetadata, 5, "PID 9"),
                          finding(Kind::kType, 5, "without its payload"),
                          finding(Kind::kNumber, 6, "seq_num 7 stands behind 7"),
                          finding(Kind::kGap, 6, "n 9 stands behind 4"),
                          finding(Kind::kTail, 7, "no whole line"),
                          finding(Kind::kMetadata, 0, "event_count is 6, 5 events")));
  EXPECT_EQ(report.findings[1].offset, text.find(bad));
}

TEST_F(VerifyTest, AFlippedByteIsTracedToItsBlockAndLines) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  for (int i = 0; i < 300; ++i)
    recorder->record(process.call("Read", {}, std::string(900, 'x')), Nanoseconds(1));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
  const std::string path = recorder->folder() + "/events.jsonl";
  std::string text = read_text(path);
  const std::size_t at = text.find("xx", 140'000);
  text[at] = 'y';  // still good JSON
  write_text(path, text);
  const auto line = static_cast<std::uint64_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1);
  const VerifyReport report = verify(recorder->folder());
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].kind, Kind::kSum);
  EXPECT_EQ(report.findings[0].offset, 131'072u);
  EXPECT_THAT(report.findings[0].what, HasSubstr("block 2 (bytes 131072 to 196607"));
  EXPECT_LE(report.findings[0].line, line);
  EXPECT_EQ(report.findings[1].kind, Kind::kMetadata);
}

// The text is looked through in pieces, by several threads: what is found must not depend on where
// pieces meet, nor on what is found in others.
TEST_F(VerifyTest, ALongTextIsCheckedLineByLineWhereverItsPiecesMeet) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  for (std::size_t i = 1; i <= 2000; ++i) {
    const std::size_t size = i == 1000 ? 1'500'000 : i * 37 % 1900;
    recorder->record(process.call("Read", {}, std::string(size, 'x')), Nanoseconds(1));
  }
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
  const std::string folder = recorder->folder();
  const std::string path = folder + "/events.jsonl";
  ASSERT_THAT(verify(folder).findings, IsEmpty());

  const std::vector<std::string> lines = read_lines(path);
  std::string text;
  std::vector<std::uint64_t> offsets;
  for (std::size_t i = 1; i <= 2000; ++i) {
    std::string line = lines[i - 1];
    if (i == 500) line.back() = ']';
    if (i == 1000) line[700'000] = '\t';
    if (i % 400 == 0) line = " " + line + "\r";  // right all the same
    offsets.push_back(text.size());
    text += line + "\n";
  }
  write_text(path, text);
  const std::vector<VerifyFinding> findings = verify(folder).findings;
  ASSERT_GT(findings.size(), 6u);
  EXPECT_THAT(findings[0], finding(Kind::kLine, 500, ""));
  EXPECT_EQ(findings[0].offset, offsets[499]);
  EXPECT_THAT(findings[1], finding(Kind::kLine, 1000, ""));
  EXPECT_EQ(findings[1].offset, offsets[999]);
  EXPECT_THAT(findings[2], finding(Kind::kMetadata, 0, "event_count is 2000, 1998 events"));
  const std::uint64_t block = offsets[399] / kSumBlockBytes;  // where the first change is
  EXPECT_THAT(findings[3].what, HasSubstr("block " + std::to_string(block) + " "));
  EXPECT_THAT(findings.back(), finding(Kind::kIndex, 0, "entries of events.idx are wrong"));
}

TEST_F(VerifyTest, WrongSumsAndAWrongIndexAreFound) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  for (int i = 0; i < 300; ++i)
    recorder->record(process.call("Read", {}, std::string(900, 'x')), Nanoseconds(1));
  ASSERT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
  const std::string folder = recorder->folder();
  EXPECT_TRUE(verify(folder).ok());
  for (const char* name : {"/events.sum", "/events.idx"}) {
    const std::string good = read_text(folder + name);
    for (std::size_t at = 0; at < good.size(); at += good.size() > 100 ? 997 : 1) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      write_text(folder + name, bad);
      EXPECT_FALSE(verify(folder).ok()) << name << " byte " << at;
    }
    write_text(folder + name, good);
  }
  std::filesystem::remove(folder + "/events.sum");
  EXPECT_THAT(verify(folder).findings, ElementsAre(finding(Kind::kSum, 0, "events.sum")));
}

TEST_F(VerifyTest, AnIndexThatHasJustBeenMadeIsNoneYet) {
  ProcessEvents process(pid(7));
  const auto recorder = this->recorder();
  recorder->record(process.call("Open"), Nanoseconds(1));
  ASSERT_TRUE(recorder->flush());
  write_text(recorder->folder() + "/events.idx", "");
  EXPECT_TRUE(verify(recorder->folder()).ok());
}

TEST_F(VerifyTest, ADeltaWithoutItsBaseIsFound) {
  const std::string folder = recorded();
  std::vector<std::string> lines = read_lines(folder + "/events.jsonl");
  std::string text;
  for (std::size_t i = 1; i < lines.size(); ++i) text += lines[i] + "\n";  // without the first
  write_text(folder + "/events.jsonl", text);
  const VerifyReport report = verify(folder);
  EXPECT_THAT(report.findings,
              testing::Contains(finding(Kind::kSnapshot, 2, "builds on #1, which is not there")));
}

TEST_F(VerifyTest, ADeltaOnAnOlderSnapshotIsFollowed) {
  const Message a = message("user", "a");
  const Message b = message("user", "b");
  std::string text;
  const auto add = [&](std::uint64_t number, ContextSnapshot snapshot,
                       const std::vector<Message>& whole) {
    std::vector<Hash128> hashes;
    for (const Message& each : whole) hashes.push_back(hash_of(each));
    snapshot.ctx_id = ctx(1);
    snapshot.hash = context_hash(xxh3_128("p"), hashes).hex();
    RecordedEvent event{.seq_num = seq(number), .pid = pid(7), .type = "context_snapshot"};
    event.payload = std::move(snapshot);
    append_line(text, event);
  };
  const auto delta = ContextSnapshot::Kind::kDelta;
  add(1, {.system_prompt = "p", .messages = {a}}, {a});
  add(2, {.kind = delta, .base = seq(1), .keep = 1, .messages = {a}}, {a, a});
  add(3, {.kind = delta, .base = seq(1), .keep = 1, .messages = {b}}, {a, b});
  add(4, {.kind = delta, .base = seq(2), .keep = 2, .messages = {b}}, {a, a, b});
  add(5, {.kind = delta, .base = seq(2), .keep = 5, .messages = {b}}, {a, a, b});
  EXPECT_THAT(verify(recording(text)).findings,
              ElementsAre(finding(Kind::kSnapshot, 5, "keeps 5 messages of #2, which has 2")));
}

TEST_F(VerifyTest, CountsOfTheMetadataAreCompared) {
  const std::string folder = recorded();
  RecordingMetadata metadata = *read_metadata(folder);
  metadata.event_count = 3;
  metadata.lost_events = 1;
  metadata.content_hash = "";
  ASSERT_TRUE(write_metadata(files_, folder, metadata, Persist::kNothing));
  EXPECT_THAT(verify(folder).findings,
              ElementsAre(finding(Kind::kMetadata, 0, "event_count is 3, 7 events"),
                          finding(Kind::kMetadata, 0, "lost_events is 1, the gap events tell of 2"),
                          finding(Kind::kMetadata, 0, "content_hash is \"\"")));
}

TEST_F(VerifyTest, AGapThatFitsNowhereIsFound) {
  std::string text = call_line(1, 1);
  append_line(text, {.seq_num = seq(2), .pid = pid(7)}, Gap{.lost_events = 2, .first_n = 5});
  text += call_line(3, 7);
  EXPECT_THAT(verify(recording(text)).findings,
              testing::Contains(finding(Kind::kGap, 2, "from n 5 on stands behind n 1")));
}

TEST_F(VerifyTest, ARecordingLeftBehindIsSaidToBe) {
  auto recorder = this->recorder();
  const std::string folder = recorder->folder();
  EXPECT_TRUE(verify(folder).live);
  EXPECT_THAT(verify(folder).findings, IsEmpty());
  recorder.reset();
  EXPECT_THAT(verify(folder).findings,
              ElementsAre(finding(Kind::kMetadata, 0, "its writer is gone")));
}

TEST_F(VerifyTest, Version1IsVerifiedAsFarAsItGoes) {
  EXPECT_THAT(verify(fixture_path("recordings/v1-unsorted")).findings,
              ElementsAre(finding(Kind::kNumber, 2, "seq_num 3 stands behind 1"),
                          finding(Kind::kNumber, 3, "seq_num 2 stands behind 3"),
                          finding(Kind::kNumber, 4, "seq_num 6 stands behind 2"),
                          finding(Kind::kNumber, 6, "seq_num 5 stands behind 6")));
}

TEST_F(VerifyTest, WhatCannotBeOpenedIsAnError) {
  EXPECT_FALSE(verify_recording(temp_ / "none"));
  EXPECT_FALSE(verify_recording(recording("{broken", "")));
}

}  // namespace
}  // namespace agdb

// events.idx: the same whoever makes it, never trusted blindly, made again when it is not right.

#include "debug/record/event_index.h"

#include <filesystem>

#include "debug/record/event_line.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kEvents = 1500;  // more than 1 MiB: worth a file

class EventIndexTest : public RecordTest {
 protected:
  // Calls, two contexts, a gap: each written by the recorder in the usual way.
  std::string recorded(std::uint64_t events = kEvents, bool finished = true) {
    ProcessEvents process(pid(7));
    auto recorder = this->recorder();
    const auto record = [&](const Event& event) { recorder->record(event, Nanoseconds(1)); };
    record(process.context(ctx(1), 0, {message("user", "a")}, "p"));
    record(process.context(ctx(2), 0, {message("user", "b")}, "q"));
    while (recorder->event_count() < events) {
      const std::uint64_t at = recorder->event_count();
      if (at == events / 2) process.lose(2);
      if (at % 100 == 7) {
        record(process.append(ctx(1 + at / 100 % 2), "user", "more"));
      } else if (at % 100 == 50) {
        record(process.call("CtxRead", Json::object({{"cid", 1}, {"op", "BuildPrompt"}})));
      } else {
        record(process.call("Read", Json::object({{"fd", 3}}), std::string(1000, 'x')));
      }
    }
    if (finished) {
      EXPECT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
    } else {
      EXPECT_TRUE(recorder->flush());
    }
    return recorder->folder();
  }
  static std::string index_of(const std::string& folder) { return folder + "/events.idx"; }

  // All that is asked of an index, at every event.
  void expect_same(const Recording& a, const Recording& b) {
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(a.contexts(), b.contexts());
    EXPECT_EQ(a.damage(), b.damage());
    EXPECT_EQ(a.unknown_types(), b.unknown_types());
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a.entry(i), b.entry(i)) << i;
      const SeqNum at = a.entry(i).seq_num;
      ASSERT_EQ(a.index_of(at), b.index_of(at));
      for (const auto& which :
           {std::optional<CtxId>(), std::optional(ctx(1)), std::optional(ctx(2))})
        ASSERT_EQ(a.snapshot_at_or_before(at, which), b.snapshot_at_or_before(at, which)) << i;
    }
  }
  // The index that a reader makes of the text alone.
  std::string without_index(const std::string& folder) {
    const std::string copy = folder + "-copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(folder, copy);
    std::filesystem::remove(index_of(copy));
    return copy;
  }
};

TEST_F(EventIndexTest, RecorderAndReaderMakeTheSame) {
  const std::string folder = recorded();
  const std::string made = without_index(folder);
  const Recording recording = open(made);
  EXPECT_EQ(recording.size(), kEvents);
  EXPECT_EQ(read_text(index_of(folder)), read_text(index_of(made)));
  expect_same(open(folder), recording);
}

TEST_F(EventIndexTest, ASmallRecordingNeedsNone) {
  const std::string folder = recorded(50);
  EXPECT_EQ(open(folder).size(), 50u);
  EXPECT_FALSE(std::filesystem::exists(index_of(folder)));
}

TEST_F(EventIndexTest, SnapshotsAreFoundAsBySearchingThemAll) {
  const Recording recording = open(recorded());
  for (const auto& which : {std::optional<CtxId>(), std::optional(ctx(1)), std::optional(ctx(2)),
                            std::optional(ctx(3))}) {
    std::optional<std::size_t> newest;
    for (std::size_t i = 0; i < recording.size(); ++i) {
      const EventEntry entry = recording.entry(i);
      if (entry.type == EventType::kContextSnapshot && (!which || entry.ctx_id == *which))
        newest = i;
      ASSERT_EQ(recording.snapshot_at_or_before(entry.seq_num, which), newest) << i;
    }
  }
}

TEST_F(EventIndexTest, AnyFlippedByteIsNoticedOrChangesNothing) {
  const std::string folder = recorded();
  const Recording good = open(without_index(folder));
  const std::string bytes = read_text(index_of(folder));
  // Header, first entry, trailer and summary: bit by bit what stands there is checked on opening.
  for (std::size_t at = 0; at < bytes.size(); at += at < 64 || at + 800 > bytes.size() ? 1 : 4801) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 16);
    write_text(index_of(folder), bad);
    const Recording recording = open(folder);
    ASSERT_EQ(recording.size(), good.size()) << at;
    const std::size_t event = at < 64 ? 0 : std::min((at - 64) / 48, good.size() - 1);
    const Result<RecordedEvent> read = recording.event_at(event);
    const EventEntry entry = recording.entry(event);
    if (read) {
      ASSERT_EQ(*read, *good.event_at(event)) << at;
    } else {
      ASSERT_THAT(read.error().message, HasSubstr("byte")) << entry.offset;
    }
  }
}

TEST_F(EventIndexTest, OneOfAnotherRecordingIsMadeAgain) {
  const std::string folder = recorded();
  const std::string right = read_text(index_of(folder));
  std::string other = right;
  const IndexHeader header = index_header("8-1");
  other.replace(0, sizeof header, bytes_of(header));
  write_text(index_of(folder), other);
  EXPECT_EQ(open(folder).size(), kEvents);
  EXPECT_EQ(read_text(index_of(folder)), right);
}

TEST_F(EventIndexTest, OneThatIsCutAnywhereIsCompleted) {
  const std::string folder = recorded();
  const std::string right = read_text(index_of(folder));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{64 + 48 * 3},
        std::size_t{64 + 48 * 1000 + 5}, right.size() - 65, right.size() - 1}) {
    write_text(index_of(folder), right.substr(0, size));
    EXPECT_EQ(open(folder).size(), kEvents) << size;
    EXPECT_EQ(read_text(index_of(folder)), right) << size;
  }
}

TEST_F(EventIndexTest, AnEditedTextIsIndexedAgain) {
  const std::string folder = recorded();
  std::string text = read_text(folder + "/events.jsonl");
  const std::size_t at = text.find("\"Read\"", text.size() / 2);
  text.replace(at, 6, "\"Reads\"");
  write_text(folder + "/events.jsonl", text);
  std::filesystem::last_write_time(
      folder + "/events.jsonl",
      std::filesystem::last_write_time(index_of(folder)) + std::chrono::seconds(1));
  const Recording recording = open(folder);
  for (std::size_t i = 0; i < recording.size(); ++i) ASSERT_TRUE(recording.event_at(i)) << i;
}

TEST_F(EventIndexTest, ATextThatIsShorterOrLongerIsSeen) {
  const std::string folder = recorded();
  const std::string text = read_text(folder + "/events.jsonl");
  const std::size_t half = text.rfind('\n', text.size() / 2) + 1;
  write_text(folder + "/events.jsonl", text.substr(0, half));
  const std::size_t fewer = open(folder).size();
  EXPECT_LT(fewer, kEvents);
  write_text(folder + "/events.jsonl", text);
  EXPECT_EQ(open(folder).size(), kEvents);
  expect_same(open(folder), open(without_index(folder)));
}

TEST_F(EventIndexTest, AFolderThatCannotBeWrittenIsReadAllTheSame) {
  const std::string folder = without_index(recorded());
  std::filesystem::create_directory(folder + "/events.idx.tmp");  // keeps root out, too
  EXPECT_EQ(open(folder).size(), kEvents);
  EXPECT_FALSE(std::filesystem::exists(index_of(folder)));
}

TEST_F(EventIndexTest, WhatARecorderThatWasKilledLeftIsGoneOnFrom) {
  const std::string folder = recorded(kEvents, false);
  EXPECT_TRUE(std::filesystem::exists(index_of(folder)));
  expect_same(open(folder), open(without_index(folder)));
}

TEST_F(EventIndexTest, AnIndexCutWhileItIsOpenGivesErrors) {
  const std::string folder = recorded();
  const Recording recording = open(folder);
  std::filesystem::resize_file(index_of(folder), 100);
  const Result<RecordedEvent> event = recording.event(seq(700));
  ASSERT_FALSE(event);
  EXPECT_THAT(event.error().message, HasSubstr("events.idx was changed"));
  EXPECT_FALSE(recording.context_at(seq(700)));
}

// Lines in another order of keys, and in another form, give the same entries.
TEST_F(EventIndexTest, AnyOrderOfKeysGivesTheSameEntries) {
  const std::string own = R"({"seq_num":1,"timestamp":-5,"pid":7,"type":"context_snapshot","n":1,)"
                          R"("context":{"kind":"full","ctx_id":3,"system_prompt":"","messages":[],)"
                          R"("tokens":0,"hash":""}})";
  const std::string others[] = {
      R"({"context":{"ctx_id":3,"kind":"full"},"type":"context_snapshot","timestamp":-5,"seq_num":1})",
      R"( { "seq_num" : 1 , "timestamp":-5, "Pid":7, "type":"context_snapshot", "context":{"kind":"full","ctx_id":3}})",
      R"({"seq_num":9,"seq_num":1,"timestamp":-5,"type":"context_snapshot","context":{"kind":"full","ctx_id":3}})",
      R"({"SEQ_NUM":1,"timestamp":-5,"type":"context_snapshot","context":{"kind":"full","CTX_ID":3}})",
      R"({"seq_num":1.0,"timestamp":-5,"type":"context_snapshot","context":{"kind":"full","ctx_id":3}})",
  };
  const Recording expected = open(this->recording(own + "\n"));
  for (const std::string& other : others) {
    const Recording recording = open(this->recording(other + "\n"));
    ASSERT_EQ(recording.size(), 1u) << other;
    EventEntry entry = recording.entry(0);
    EXPECT_EQ(entry.length, other.size());
    entry.length = expected.entry(0).length;
    EXPECT_EQ(entry, expected.entry(0)) << other;
    EXPECT_TRUE(recording.event_at(0)) << other;
  }
}

TEST_F(EventIndexTest, TheContextThatACallNamesIsKnownInAnyForm) {
  for (
      const char* line :
      {R"({"seq_num":1,"timestamp":0,"pid":7,"type":"syscall","n":1,"syscall":{"syscall":"CtxRead","args":{"cid":4,"op":"x"},"duration":1}})",
       R"({"seq_num":1,"timestamp":0,"pid":7,"type":"syscall","syscall":{"syscall":"CtxWrite","args":{"cid":4}}})",
       R"({"seq_num":1,"timestamp":0,"pid":7,"type":"syscall","syscall":{"syscall":"CtxWrite","args":{"a":1,"cid":4}}})",
       R"({"type":"syscall","syscall":{"args":{"cid":4},"syscall":"CtxRead"},"seq_num":1})"}) {
    EXPECT_EQ(open(this->recording(std::string(line) + "\n")).entry(0).ctx_id, ctx(4)) << line;
  }
  const char* other =
      R"({"seq_num":1,"timestamp":0,"pid":7,"type":"syscall","syscall":{"syscall":"CtxAlloc","args":{"cid":4}}})";
  EXPECT_EQ(open(this->recording(std::string(other) + "\n")).entry(0).ctx_id, ctx(0));
}

}  // namespace
}  // namespace agdb

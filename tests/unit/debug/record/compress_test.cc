#include "debug/record/compress.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "debug/record/event_text.h"
#include "debug/record/records_dir.h"
#include "debug/record/verify.h"
#include "record_fixture.h"

namespace agdb {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// A program that dies: from the call with that number on (from 1), nothing reaches the disk.
class DyingFileSystem : public FileSystem {
 public:
  explicit DyingFileSystem(int last) : left_(last) {}
  bool dead() const { return left_ < 0; }

  int open(const std::string& path, int flags, unsigned mode) override {
    return dies() ? -EIO : FileSystem::open(path, flags, mode);
  }
  std::int64_t write(int fd, std::string_view bytes) override {
    if (!dies()) return FileSystem::write(fd, bytes);
    // Death in the middle of a write leaves a part of it.
    if (left_ == -1) FileSystem::write(fd, bytes.substr(0, bytes.size() / 2));
    return -EIO;
  }
  int sync(int) override { return dies() ? -EIO : 0; }
  int rename(const std::string& from, const std::string& to) override {
    return dies() ? -EIO : FileSystem::rename(from, to);
  }
  int remove(const std::string& path) override { return dies() ? -EIO : FileSystem::remove(path); }

 private:
  bool dies() { return --left_ < 0; }
  int left_;
};

class Compress : public RecordTest {
 protected:
  // A finished recording of several frames, with a context and a loss.
  std::string recorded(int calls = 4000) {
    ProcessEvents process(pid(7));
    const auto recorder = this->recorder();
    const auto record = [&](const Event& event) { recorder->record(event, Nanoseconds(1)); };
    record(process.context(ctx(1), 0, {message("user", "count the words")}, "p"));
    for (int i = 0; i < calls; ++i) {
      record(process.call("Read", Json::object({{"fd", i}, {"data", std::string(300, 'x')}})));
      if (i % 100 == 0) record(process.append(ctx(1), "assistant", "at " + std::to_string(i)));
    }
    process.lose(2);
    record(process.call("Close"));
    EXPECT_TRUE(recorder->finish(kStatusCompleted, "", process.last_n()));
    return recorder->folder();
  }
  CompressReport compress(const std::string& folder) {
    const Result<CompressReport> report = compress_recording(files_, folder);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(CompressReport());
  }
  CompressReport decompress(const std::string& folder) {
    const Result<CompressReport> report = decompress_recording(files_, folder);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(CompressReport());
  }
  static std::string text_of(const std::string& folder) {
    const Result<EventText> text = EventText::open(folder);
    EXPECT_TRUE(text) << text.error().message;
    if (!text) return "";
    std::string out;
    EXPECT_TRUE(text->read(0, *text->size(), out));
    return out;
  }
  static std::vector<std::string> files_of(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::string name = entry.path().filename();
      if (name.starts_with("events.jsonl")) names.push_back(std::move(name));
    }
    return names;
  }
  static void expect_right(const std::string& folder) {
    const Result<VerifyReport> report = verify_recording(folder);
    ASSERT_TRUE(report) << report.error().message;
    for (const VerifyFinding& finding : report->findings) ADD_FAILURE() << finding.what;
  }
  // Flips a bit of a file.
  static void damage(const std::string& path, std::size_t byte) {
    std::string bytes = read_text(path);
    bytes[byte] = static_cast<char>(bytes[byte] ^ 4);
    write_text(path, bytes);
  }
};

TEST_F(Compress, TheTextTakesLessRoomAndIsTheSame) {
  const std::string folder = recorded();
  const std::string before = read_text(folder + "/events.jsonl");
  const CompressReport report = compress(folder);
  EXPECT_FALSE(report.already);
  EXPECT_EQ(report.text_bytes, before.size());
  EXPECT_EQ(report.compressed_bytes, std::filesystem::file_size(folder + "/events.jsonl.zst"));
  EXPECT_GT(report.frames, 2u);
  EXPECT_GT(report.ratio(), 5);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl.zst"));
  EXPECT_EQ(text_of(folder), before);
  expect_right(folder);
}

TEST_F(Compress, EverythingIsReadAsBefore) {
  const std::string folder = recorded();
  const Recording before = open(folder);
  compress(folder);
  const Recording after = open(folder);
  ASSERT_EQ(after.size(), before.size());
  EXPECT_THAT(after.notes(), before.notes());
  for (std::size_t i = 0; i < before.size(); i += 7) {
    ASSERT_EQ(after.entry(i), before.entry(i));
    ASSERT_EQ(*after.line_at(i), *before.line_at(i));
  }
  EXPECT_EQ(after.context_at(seq(4000))->messages, before.context_at(seq(4000))->messages);
}

TEST_F(Compress, WhoHasItOpenReadsOn) {
  const std::string folder = recorded();
  const Recording recording = open(folder);
  compress(folder);
  EXPECT_TRUE(recording.event(seq(3000)));
  const Recording compressed = open(folder);
  decompress(folder);
  EXPECT_TRUE(compressed.event(seq(3000)));
}

TEST_F(Compress, DecompressingGivesBackTheSameFile) {
  const std::string folder = recorded();
  const std::string before = read_text(folder + "/events.jsonl");
  const CompressReport report = compress(folder);
  EXPECT_EQ(decompress(folder).compressed_bytes, report.compressed_bytes);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));
  EXPECT_EQ(read_text(folder + "/events.jsonl"), before);
  expect_right(folder);
}

TEST_F(Compress, AnEmptyRecordingCanBeCompressed) {
  const std::string folder = recording("");
  EXPECT_EQ(compress(folder).text_bytes, 0u);
  EXPECT_EQ(open(folder).size(), 0u);
  decompress(folder);
  EXPECT_EQ(read_text(folder + "/events.jsonl"), "");
}

TEST_F(Compress, TwiceIsOnce) {
  const std::string folder = recorded(10);
  const CompressReport first = compress(folder);
  const CompressReport second = compress(folder);
  EXPECT_TRUE(second.already);
  EXPECT_EQ(second.text_bytes, first.text_bytes);
  EXPECT_EQ(second.compressed_bytes, first.compressed_bytes);
  EXPECT_FALSE(decompress(folder).already);
  EXPECT_TRUE(decompress(folder).already);
}

TEST_F(Compress, TheNewFileIsPrivateAndAsOldAsTheText) {
  const std::string folder = recorded(10);
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(::stat((folder + "/events.jsonl").c_str(), &before), 0);
  compress(folder);
  ASSERT_EQ(::stat((folder + "/events.jsonl.zst").c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 0777, 0600u);
  EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

TEST_F(Compress, ProgressCountsEachByteTwice) {
  const std::string folder = recorded();
  std::uint64_t last = 0;
  std::uint64_t all = 0;
  ASSERT_TRUE(compress_recording(files_, folder, [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GT(done, last);
    last = done;
    all = total;
  }));
  EXPECT_EQ(last, all);
  EXPECT_EQ(all, 2 * text_of(folder).size());
}

TEST_F(Compress, ARecordingThatIsBeingWrittenIsRefused) {
  const auto recorder = this->recorder();
  const Result<CompressReport> report = compress_recording(files_, recorder->folder());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kInvalid);
  EXPECT_THAT(report.error().message, HasSubstr("is being written"));
}

TEST_F(Compress, ARecordingWhoseWriterDiedIsRefusedUntilItIsRecovered) {
  std::string folder;
  {
    const auto recorder = this->recorder();
    folder = recorder->folder();
  }
  const Result<CompressReport> report = compress_recording(files_, folder);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kInvalid);
  EXPECT_THAT(report.error().message, HasSubstr("died"));
  EXPECT_THAT(report.error().hint, HasSubstr("recover"));
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));

  RecordingMetadata metadata = *read_metadata(folder);
  metadata.status = kStatusInterrupted;
  write_text(folder + "/metadata.json", metadata_to_json(metadata));
  compress(folder);
}

TEST_F(Compress, ADamagedTextIsRefusedAndKept) {
  const std::string folder = recorded(10);
  damage(folder + "/events.jsonl", 20);
  const std::string before = read_text(folder + "/events.jsonl");
  const Result<CompressReport> report = compress_recording(files_, folder);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kCorrupt);
  EXPECT_THAT(report.error().message, HasSubstr("damaged"));
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));
  EXPECT_EQ(read_text(folder + "/events.jsonl"), before);
}

TEST_F(Compress, ADamagedFileIsNotDecompressed) {
  const std::string folder = recorded();
  compress(folder);
  damage(folder + "/events.jsonl.zst", 1000);
  const Result<CompressReport> report = decompress_recording(files_, folder);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kCorrupt);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl.zst"));
}

TEST_F(Compress, WhatIsNoRecordingIsNamed) {
  const Result<CompressReport> none = compress_recording(files_, temp_ / "none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  const std::string folder = recording("");
  std::filesystem::remove(folder + "/events.jsonl");
  for (const auto& report :
       {compress_recording(files_, folder), decompress_recording(files_, folder)}) {
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().message, HasSubstr("events"));
  }
}

TEST_F(Compress, NoSpaceLeavesTheRecordingAsItWas) {
  const std::string folder = recorded();
  const std::string before = read_text(folder + "/events.jsonl");
  const std::uint64_t next = files_.writes() + 2;
  files_.fail_writes({.first = next, .last = next + 100, .error = ENOSPC});
  const Result<CompressReport> report = compress_recording(files_, folder);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kIo);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));
  EXPECT_EQ(read_text(folder + "/events.jsonl"), before);
}

TEST_F(Compress, AFlushThatFailsKeepsTheText) {
  const std::string folder = recorded(10);
  files_.fail_syncs(EIO);
  EXPECT_FALSE(compress_recording(files_, folder));
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));
}

// A disk that keeps other bytes than it was given.
class LyingFileSystem : public FileSystem {
 public:
  std::int64_t write(int fd, std::string_view bytes) override {
    std::string other(bytes);
    if (other.size() > 50) other[50] = static_cast<char>(other[50] ^ 1);
    return FileSystem::write(fd, other);
  }
};

TEST_F(Compress, WhatDoesNotComeBackFromTheDiskReplacesNothing) {
  const std::string folder = recorded(100);
  const std::string before = read_text(folder + "/events.jsonl");
  LyingFileSystem files;
  EXPECT_FALSE(compress_recording(files, folder));
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));
  EXPECT_EQ(read_text(folder + "/events.jsonl"), before);
  compress(folder);
  const Result<CompressReport> back = decompress_recording(files, folder);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::kIo);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl.zst"));
}

TEST_F(Compress, DeathAtAnyMomentLeavesACompleteForm) {
  const std::string folder = recorded(3000);
  const std::string text = read_text(folder + "/events.jsonl");
  int deaths = 0;
  for (bool dead = true; dead; ++deaths) {
    DyingFileSystem files(deaths);
    const bool done = compress_recording(files, folder).has_value();
    dead = files.dead();
    EXPECT_NE(done, dead);
    ASSERT_EQ(text_of(folder), text) << deaths;
    compress(folder);
    ASSERT_THAT(files_of(folder), ElementsAre("events.jsonl.zst")) << deaths;
    ASSERT_EQ(text_of(folder), text) << deaths;
    if (dead) decompress(folder);
  }
  EXPECT_GT(deaths, 10);
}

TEST_F(Compress, DeathAtAnyMomentOfTheWayBackLeavesACompleteForm) {
  const std::string folder = recorded(3000);
  const std::string text = read_text(folder + "/events.jsonl");
  compress(folder);
  int deaths = 0;
  for (bool dead = true; dead; ++deaths) {
    DyingFileSystem files(deaths);
    const bool done = decompress_recording(files, folder).has_value();
    dead = files.dead();
    EXPECT_NE(done, dead);
    ASSERT_EQ(text_of(folder), text) << deaths;
    decompress(folder);
    ASSERT_THAT(files_of(folder), ElementsAre("events.jsonl")) << deaths;
    ASSERT_EQ(text_of(folder), text) << deaths;
    if (dead) compress(folder);
  }
  EXPECT_GT(deaths, 8);
}

TEST_F(Compress, OfBothFormsTheTextCounts) {
  const std::string folder = recorded(10);
  write_text(folder + "/events.jsonl.zst", "left behind, and not even whole");
  expect_right(folder);
  EXPECT_FALSE(compress(folder).already);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl.zst"));
  expect_right(folder);

  decompress(folder);
  write_text(folder + "/events.jsonl.zst", "left behind, and not even whole");
  EXPECT_TRUE(decompress(folder).already);
  EXPECT_THAT(files_of(folder), ElementsAre("events.jsonl"));
}

TEST_F(Compress, WhileSomebodyIsAtItNobodyElseIs) {
  const std::string folder = recorded(10);
  std::vector<Code> codes;
  const auto meanwhile = [&](std::uint64_t, std::uint64_t) {
    codes.push_back(compress_recording(files_, folder).error().code);
    codes.push_back(remove_recording(files_, folder).error().code);
  };
  ASSERT_TRUE(compress_recording(files_, folder, meanwhile));
  ASSERT_TRUE(decompress_recording(files_, folder, [&](std::uint64_t, std::uint64_t) {
    codes.push_back(decompress_recording(files_, folder).error().code);
    codes.push_back(remove_recording(files_, folder).error().code);
  }));
  EXPECT_EQ(codes.size(), 8u);
  for (const Code code : codes) EXPECT_THAT(code, AnyOf(Code::kUnavailable, Code::kInvalid));
  expect_right(folder);
}

TEST_F(Compress, ACompressedRecordingCanBeListedAndRemoved) {
  const std::string folder = recorded(10);
  compress(folder);
  EXPECT_EQ(list_recordings(records_)->recordings.size(), 1u);
  write_text(folder + "/events.jsonl.tmp", "left behind");
  write_text(folder + "/events.jsonl.zst.tmp", "left behind");
  EXPECT_TRUE(remove_recording(files_, folder));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(Compress, VerifyFindsAFlippedBitAnywhere) {
  const std::string folder = recorded(20);
  compress(folder);
  const std::string path = folder + "/events.jsonl.zst";
  const std::string file = read_text(path);
  for (std::size_t byte = 0; byte < file.size(); byte += 3) {
    damage(path, byte);
    const Result<VerifyReport> report = verify_recording(folder);
    EXPECT_TRUE(!report || !report->ok()) << byte;
    write_text(path, file);
  }
}

TEST_F(Compress, LinesAroundADamagedFrameAreRead) {
  const std::string folder = recorded();
  const Recording before = open(folder);
  compress(folder);
  damage(folder + "/events.jsonl.zst", 1000);
  const Recording recording = open(folder);
  ASSERT_FALSE(recording.empty());
  EXPECT_LT(recording.size(), before.size());
  EXPECT_FALSE(recording.damage().empty());
  EXPECT_TRUE(recording.event(seq(4000)));
  EXPECT_FALSE(recording.event(seq(1)));
}

}  // namespace
}  // namespace agdb

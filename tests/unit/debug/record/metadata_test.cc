#include "debug/record/metadata.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "record_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;

constexpr std::string_view kVersion1 = R"({
  "record_id": "42-1709856000",
  "pid": 42,
  "intent": "test intent",
  "start_time": "2024-03-08T00:00:00Z",
  "end_time": "2024-03-08T00:01:00.5Z",
  "event_count": 8,
  "status": "completed"
})";

RecordingMetadata parsed(std::string_view text) {
  Result<RecordingMetadata> metadata = parse_metadata(text, "m.json");
  EXPECT_TRUE(metadata) << metadata.error().message;
  return metadata ? *std::move(metadata) : RecordingMetadata();
}

std::string error_of(std::string_view text) {
  const Result<RecordingMetadata> metadata = parse_metadata(text, "m.json");
  EXPECT_FALSE(metadata) << text;
  return metadata ? "" : metadata.error().message;
}

RecordingMetadata complete() {
  const WallTime time(std::chrono::milliseconds(1'700'000'000'250));
  RecordingMetadata m;
  m.record_id = "7-1700000000";
  m.pid = pid(7);
  m.intent = "an \"intent\"\nof two lines";
  m.start_time = time;
  m.end_time = time + std::chrono::seconds(3);
  m.event_count = 12;
  m.status = kStatusCompleted;
  m.format_version = 2;
  m.agdb_version = "0.1.0";
  m.run_id = "run-1";
  m.trace_id = "t";
  m.parent = {.record_id = "1-1700000000", .pid = pid(1), .seq_num = seq(5)};
  m.process_start_time = time;
  m.time_source = "clock";
  m.runtime = "imported";
  m.source = {.name = "s.jsonl",
              .format = "claude-code",
              .size = 1000,
              .hash = std::string(32, 'b'),
              .not_understood = {{"image block", 2}, {"line not JSON", 1}},
              .times_without_zone = true};
  m.forked_from = {.record_id = "3-1700000000", .seq_num = seq(9)};
  m.model = "m1";
  m.context_budget = 1000;
  m.max_steps = 50;
  m.lost_events = 3;
  m.content_hash = std::string(32, 'c');
  m.sums_hash = std::string(32, 'd');
  m.exit_reason = "completed";
  m.host = "box";
  m.recorded_at = time + std::chrono::hours(1);
  m.began_late = {.n = 313,
                  .timestamp = std::chrono::milliseconds(42),
                  .state = "suspended",
                  .tokens_used = 12'000,
                  .steps = 8,
                  .lost_events = 2};
  return m;
}

TEST(Metadata, ReadsWhatTheReferenceWrites) {
  const RecordingMetadata metadata = parsed(kVersion1);
  EXPECT_EQ(metadata.record_id, "42-1709856000");
  EXPECT_EQ(metadata.pid, pid(42));
  EXPECT_EQ(metadata.intent, "test intent");
  EXPECT_EQ(*metadata.end_time - *metadata.start_time, std::chrono::milliseconds(60'500));
  EXPECT_EQ(metadata.event_count, 8u);
  EXPECT_EQ(metadata.status, "completed");
  EXPECT_EQ(metadata.format_version, 1);
}

TEST(Metadata, Version1StaysVersion1WhenWritten) {
  EXPECT_EQ(metadata_to_json(parsed(kVersion1)), std::string(kVersion1) + "\n");
}

TEST(Metadata, EverythingComesBackAsItWas) {
  EXPECT_EQ(parsed(metadata_to_json(complete())), complete());
}

TEST(Metadata, EmptyFieldsAreLeftOut) {
  RecordingMetadata metadata;
  metadata.format_version = 2;
  metadata.status = kStatusRecording;
  EXPECT_EQ(metadata_to_json(metadata),
            R"({
  "record_id": "",
  "pid": 0,
  "intent": "",
  "start_time": "0001-01-01T00:00:00Z",
  "end_time": "0001-01-01T00:00:00Z",
  "event_count": 0,
  "status": "recording",
  "format_version": 2
}
)");
  EXPECT_EQ(parsed(metadata_to_json(metadata)), metadata);
}

TEST(Metadata, OfAKeyThatStandsThereTwiceTheLastCountsAlsoWhenItIsWrittenAgain) {
  const Result<RecordingMetadata> metadata =
      parse_metadata(R"({"record_id":"7-1","status":"first","status":"last"})", "metadata.json");
  ASSERT_TRUE(metadata) << metadata.error().message;
  EXPECT_EQ(metadata->status, "last");
  const std::string text = metadata_to_json(*metadata);
  EXPECT_EQ(text.find("first"), std::string::npos);
  EXPECT_EQ(parse_metadata(text, "metadata.json")->status, "last");
}

TEST(Metadata, UnknownKeysAreKept) {
  const RecordingMetadata metadata = parsed(R"({"pid":1,"status":"completed","mood":{"a":[1]}})");
  EXPECT_EQ(dump(metadata.unknown), R"({"mood":{"a":[1]}})");
  EXPECT_EQ(parsed(metadata_to_json(metadata)), metadata);
}

TEST(Metadata, TextThatIsNotUtf8KeepsItsBytes) {
  RecordingMetadata metadata;
  metadata.intent = "a\xff";
  EXPECT_TRUE(parse_json(metadata_to_json(metadata)));
  EXPECT_EQ(parsed(metadata_to_json(metadata)).intent, "a\xff");
}

TEST(Metadata, WrongShapesAreErrorsThatNameFileAndKey) {
  EXPECT_THAT(error_of("{broken"), testing::AllOf(HasSubstr("metadata"), HasSubstr("m.json")));
  EXPECT_THAT(error_of("[]"), HasSubstr("expected an object, got an array"));
  EXPECT_THAT(error_of(""), HasSubstr("metadata"));
  EXPECT_THAT(error_of(R"({"pid":"x"})"), HasSubstr("pid: expected an integer from 0"));
  EXPECT_THAT(error_of(R"({"start_time":"yesterday"})"), HasSubstr("start_time: "));
  EXPECT_THAT(error_of(R"({"start_time":17})"), HasSubstr("start_time: expected a text"));
  EXPECT_THAT(error_of(R"({"parent":{"pid":-1}})"), HasSubstr("parent.pid: "));
  EXPECT_THAT(error_of(R"({"source":[]})"), HasSubstr("source: expected an object"));
  EXPECT_THAT(error_of(R"({"source":{"not_understood":3}})"), HasSubstr("source.not_understood"));
  EXPECT_THAT(error_of(std::string(10'000, '[')), HasSubstr("metadata"));
}

TEST(Metadata, ANewerFormatIsRefusedAndSaid) {
  const Result<RecordingMetadata> metadata = parse_metadata(R"({"format_version":3})", "m.json");
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().code, Code::kUnsupported);
  EXPECT_THAT(metadata.error().message, HasSubstr("format version 3"));
}

TEST(Metadata, AMissingFileIsNamed) {
  const TempFolder temp;
  const Result<RecordingMetadata> metadata = read_metadata(temp.path());
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().code, Code::kNotFound);
  EXPECT_THAT(metadata.error().message,
              testing::AllOf(HasSubstr("read metadata"), HasSubstr(temp / "metadata.json")));
}

TEST(Metadata, IsReplacedAsAWholeAndReadableByTheOwnerOnly) {
  const TempFolder temp;
  FileSystem files;
  write_text(temp / "metadata.json", "old");
  ASSERT_TRUE(write_metadata(files, temp.path(), complete(), Persist::kContentAndName));
  EXPECT_EQ(*read_metadata(temp.path()), complete());
  struct stat info = {};
  ASSERT_EQ(::stat((temp / "metadata.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(temp / "metadata.json.tmp"));
}

TEST(Metadata, AFailedReplacementLeavesTheOldText) {
  const TempFolder temp;
  write_text(temp / "metadata.json", "old");
  const auto write = [&](FileSystem& files) {
    return write_metadata(files, temp.path(), complete(), Persist::kContentAndName);
  };
  FaultyFileSystem full;
  full.fail_writes({.first = 1, .last = 9, .error = ENOSPC, .partial = 7});
  const Status status = write(full);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kIo);
  EXPECT_THAT(status.error().message, HasSubstr("No space left"));
  FaultyFileSystem no_sync;
  no_sync.fail_syncs(EIO);
  EXPECT_FALSE(write(no_sync));
  FaultyFileSystem no_rename;
  no_rename.fail_renames(EACCES);
  EXPECT_FALSE(write(no_rename));
  EXPECT_EQ(read_text(temp / "metadata.json"), "old");
  EXPECT_FALSE(std::filesystem::exists(temp / "metadata.json.tmp"));
}

}  // namespace
}  // namespace agdb

#include "debug/record/records_dir.h"

#include <sys/stat.h>

#include <filesystem>

#include "record_fixture.h"

namespace agdb {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RecordsDir : public RecordTest {
 protected:
  std::string make_folder(const std::string& name) {
    std::filesystem::create_directories(temp_ / name);
    return temp_ / name;
  }
  // A recording that was started so many seconds after the others' common start.
  std::string recorded(const std::string& id, int seconds,
                       std::optional<RecordingParent> parent = {}) {
    RecordingMetadata metadata;
    metadata.record_id = id;
    metadata.status = kStatusCompleted;
    metadata.start_time = WallTime(std::chrono::seconds(1'700'000'000 + seconds));
    metadata.parent = std::move(parent);
    metadata.format_version = 2;
    const std::string folder = records_ + "/" + id;
    std::filesystem::create_directories(folder);
    write_text(folder + "/metadata.json", metadata_to_json(metadata));
    write_text(folder + "/events.jsonl", "");
    return folder;
  }
  Result<std::string> resolve(std::string_view typed) {
    return resolve_recording(records_, temp_.path(), typed);
  }
  const WallTime start_ = WallTime(std::chrono::seconds(1'700'000'000));
};

TEST_F(RecordsDir, OptionComesBeforeEnvironmentBeforeTheNearest) {
  make_folder(".agdb/records");
  const std::string deep = make_folder("a/b");
  RecordsDirChoice choice{.option = "/opt/r", .environment = "/env/r", .working_dir = deep};
  EXPECT_EQ(find_records_dir(choice), "/opt/r");
  choice.option.reset();
  EXPECT_EQ(find_records_dir(choice), "/env/r");
  choice.environment = "";
  EXPECT_EQ(find_records_dir(choice), temp_ / ".agdb/records");
  make_folder("a/.agdb/records");
  EXPECT_EQ(find_records_dir(choice), temp_ / "a/.agdb/records");
}

TEST_F(RecordsDir, WithoutAnyItIsInTheWorkingFolder) {
  const std::string deep = make_folder("a/b");
  EXPECT_EQ(find_records_dir({.working_dir = deep}), temp_ / "a/b/.agdb/records");
}

TEST_F(RecordsDir, RelativeChoicesCountFromTheWorkingFolder) {
  EXPECT_EQ(find_records_dir({.option = "../r", .working_dir = "/x/y"}), "/x/r");
  EXPECT_EQ(find_records_dir({.environment = "r", .working_dir = "/x/y"}), "/x/y/r");
}

TEST_F(RecordsDir, AFolderIsNamedByPidAndStart) {
  const Result<RecordFolder> folder = create_record_folder(files_, records_, pid(7), start_);
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(folder->record_id, "7-1700000000");
  EXPECT_EQ(folder->path, records_ + "/7-1700000000");
  struct stat info = {};
  ASSERT_EQ(::stat(folder->path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(RecordsDir, TwoInOneSecondNeverShareAFolder) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i)
    ids.push_back(create_record_folder(files_, records_, pid(7), start_)->record_id);
  EXPECT_THAT(ids, ElementsAre("7-1700000000", "7-1700000000-2", "7-1700000000-3"));
}

TEST_F(RecordsDir, AnIdLeadsToItsFolder) {
  const std::string folder = recorded("7-1700000000", 0);
  EXPECT_EQ(*resolve("7-1700000000"), folder);
  EXPECT_EQ(*find_recording(records_, "7-1700000000"), folder);
}

TEST_F(RecordsDir, AnUnknownIdIsNamed) {
  const Result<std::string> found = resolve("9-9");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kNotFound);
  EXPECT_THAT(found.error().message, HasSubstr("recording \"9-9\" not found"));
  EXPECT_THAT(found.error().hint, HasSubstr("record list"));
}

TEST_F(RecordsDir, AnIdThatLeavesTheFolderIsRefused) {
  recorded("7-1700000000", 0);
  for (const char* id : {"../records/7-1700000000", "..", ".", "", "7-1700000000/."})
    EXPECT_EQ(find_recording(records_, id).error().code, Code::kInvalid) << id;
  EXPECT_FALSE(resolve("../x"));
  EXPECT_FALSE(resolve(".."));
  EXPECT_FALSE(resolve(""));
}

TEST_F(RecordsDir, APathLeadsToItsFolder) {
  const std::string folder = recorded("7-1700000000", 0);
  EXPECT_EQ(*resolve(folder), folder);
  EXPECT_EQ(*resolve("records/7-1700000000"), folder);
  EXPECT_EQ(resolve("/nowhere/at/all").error().code, Code::kNotFound);
  EXPECT_THAT(resolve("records/").error().message, HasSubstr("metadata.json"));
}

TEST_F(RecordsDir, ANameIsAnIdFirstAndThenAFolder) {
  recorded("7-1", 0);
  const std::string moved = temp_ / "copy";
  std::filesystem::copy(records_ + "/7-1", moved);
  EXPECT_EQ(*resolve("copy"), moved);
  std::filesystem::copy(records_ + "/7-1", temp_ / "7-1");
  EXPECT_EQ(*resolve("7-1"), records_ + "/7-1");
}

TEST_F(RecordsDir, AtIsTheNewest) {
  recorded("2-1", 20);
  recorded("10-1", 10);
  EXPECT_EQ(*resolve("@"), records_ + "/2-1");
  recorded("3-1", 20);
  EXPECT_EQ(*resolve("@"), records_ + "/3-1") << "of two at one time the later name";
}

TEST_F(RecordsDir, AtIsTheRootOfARun) {
  recorded("1-1", 10);
  recorded("2-1", 20, RecordingParent{.record_id = "1-1", .pid = pid(1)});
  EXPECT_EQ(*resolve("@"), records_ + "/1-1");
  recorded("5-1", 30, RecordingParent{.record_id = "", .pid = pid(4)});
  EXPECT_EQ(*resolve("@"), records_ + "/5-1") << "its parent was not recorded";
}

TEST_F(RecordsDir, AtGoesByWhenItWasRecordedWhereThatIsKnown) {
  recorded("1-1", 100);
  RecordingMetadata imported;
  imported.start_time = WallTime(std::chrono::seconds(1'000'000'000));
  imported.recorded_at = WallTime(std::chrono::seconds(1'800'000'000));
  imported.format_version = 2;
  imported.status = kStatusCompleted;
  std::filesystem::create_directories(records_ + "/1-0");
  write_text(records_ + "/1-0/metadata.json", metadata_to_json(imported));
  EXPECT_EQ(*resolve("@"), records_ + "/1-0");
}

TEST_F(RecordsDir, AtNeedsARecording) {
  EXPECT_EQ(resolve("@").error().code, Code::kNotFound);
}

TEST_F(RecordsDir, AtNamesWhatIsBrokenWhereNothingElseIs) {
  make_folder("records/4-1");
  write_text(records_ + "/4-1/metadata.json", "{broken");
  const Error error = resolve("@").error();
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_NE(error.message.find("4-1"), std::string::npos) << error.message;
  recorded("2-1", 20);
  EXPECT_EQ(*resolve("@"), records_ + "/2-1");
}

TEST_F(RecordsDir, AListIsInNaturalOrderAndReportsWhatItCannotRead) {
  recorded("10-1", 0);
  recorded("2-1", 0);
  make_folder("records/3-1");
  make_folder("records/4-1");
  write_text(records_ + "/4-1/metadata.json", "{broken");
  make_folder("records/.hidden");
  make_folder("records/traces");
  write_text(records_ + "/file", "");
  const Result<RecordingList> list = list_recordings(records_);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->recordings.size(), 2u);
  EXPECT_EQ(list->recordings[0].metadata.record_id, "2-1");
  EXPECT_EQ(list->recordings[1].metadata.record_id, "10-1");
  ASSERT_EQ(list->unreadable.size(), 2u);
  EXPECT_EQ(list->unreadable[0].folder, records_ + "/3-1");
  EXPECT_EQ(list->unreadable[0].error.code, Code::kNotFound);
  EXPECT_EQ(list->unreadable[1].error.code, Code::kCorrupt);
}

TEST_F(RecordsDir, ThoseThatNameAnIdAreAmongTheListed) {
  const auto with_run = [&](const std::string& id, const std::string& run,
                            const std::string& trace) {
    RecordingMetadata metadata = *read_metadata(recorded(id, 0));
    metadata.run_id = run;
    metadata.trace_id = trace;
    write_text(records_ + "/" + id + "/metadata.json", metadata_to_json(metadata));
  };
  with_run("1-1", "run-a", "trace-a");
  with_run("2-1", "run-a", "trace-a");
  with_run("3-1", "run-b", "trace-b");
  with_run("4-1", "a \"quoted\" run", "trace-c");
  make_folder("records/5-1");
  const auto naming = [&](std::string_view id) {
    const Result<RecordingList> list = list_recordings_naming(records_, id);
    EXPECT_EQ(list->unreadable.size(), 1u) << id;
    std::vector<std::string> ids;
    for (const ListedRecording& each : list->recordings) ids.push_back(each.metadata.record_id);
    return ids;
  };
  EXPECT_THAT(naming("run-a"), ElementsAre("1-1", "2-1"));
  EXPECT_THAT(naming("trace-b"), ElementsAre("3-1"));
  EXPECT_THAT(naming("none"), IsEmpty());
  // What may stand in the file in another form is not looked for there.
  EXPECT_THAT(naming("a \"quoted\" run"), Contains("4-1"));
  EXPECT_THAT(naming(""), SizeIs(4));
  // Whose trace has an id that is made of its run's.
  with_run("6-1", "run-c", "");
  EXPECT_THAT(naming("trace-of-run-c"), ElementsAre("6-1"));
}

TEST_F(RecordsDir, PagesGoFromTheNewestToTheOldest) {
  for (const char* name : {"imported", "9-100", "2-300", "10-300", "3-200", "3-200-2"})
    recorded(name, 0);
  make_folder("records/4-250");  // of no recording
  const auto page = [&](std::size_t limit, const std::string& before) {
    const Result<RecordingList> list =
        list_recordings(records_, {.limit = limit, .before = before});
    std::vector<std::string> names;
    if (!list) return std::vector<std::string>{list.error().message};
    for (const ListedRecording& each : list->recordings)
      names.push_back(std::filesystem::path(each.folder).filename().string());
    if (!list->unreadable.empty()) names.push_back("unreadable");
    return names;
  };
  EXPECT_THAT(page(2, ""), ElementsAre("10-300", "2-300"));
  EXPECT_THAT(page(2, "2-300"), ElementsAre("3-200-2", "3-200", "unreadable"));
  EXPECT_THAT(page(9, "3-200"), ElementsAre("9-100", "imported"));
  EXPECT_THAT(page(9, "imported"), IsEmpty());
  EXPECT_THAT(page(0, ""), IsEmpty());
  // One that has gone meanwhile, and what is no id.
  EXPECT_THAT(page(1, "7-150"), ElementsAre("9-100"));
  EXPECT_THAT(page(1, "../x"), ElementsAre(HasSubstr("../x")));
  EXPECT_THAT(page(1, "zzz"), ElementsAre(HasSubstr("\"zzz\" not found")));
  EXPECT_EQ(list_recordings(records_, {.limit = 9, .roots_only = true})->recordings.size(), 6u);
  recorded("5-400", 0, RecordingParent{.record_id = "2-300"});
  EXPECT_EQ(list_recordings(records_, {.limit = 9, .roots_only = true})->recordings.size(), 6u);
  EXPECT_EQ(list_recordings(records_, {.limit = 9})->recordings.size(), 7u);
}

TEST_F(RecordsDir, WhatBelongsToRecordingsStandsBesideOrAmongThem) {
  EXPECT_EQ(beside_recordings("/home/ann/.agdb/records", "x"), "/home/ann/.agdb/x");
  EXPECT_EQ(beside_recordings("/home/ann/.agdb/records/", "x"), "/home/ann/.agdb/x");
  EXPECT_EQ(beside_recordings("/tmp/elsewhere", "x"), "/tmp/elsewhere/x");
}

TEST_F(RecordsDir, NoFolderNoRecordings) {
  const Result<RecordingList> list = list_recordings(temp_ / "none");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->recordings.empty());
  write_text(temp_ / "file", "");
  EXPECT_FALSE(list_recordings(temp_ / "file"));
}

TEST_F(RecordsDir, AListTellsTheLivingFromTheDead) {
  std::unique_ptr<Recorder> living = recorder();
  recorder_of(pid(8), birth()).reset();
  const Result<RecordingList> list = list_recordings(records_);
  ASSERT_EQ(list->recordings.size(), 2u);
  EXPECT_TRUE(list->recordings[0].live);
  EXPECT_EQ(list->recordings[0].metadata.status, "recording");
  EXPECT_FALSE(list->recordings[1].live);
  EXPECT_EQ(list->recordings[1].metadata.status, "interrupted");
}

TEST_F(RecordsDir, RemovingTakesTheWholeRecording) {
  const std::string folder = recorded("7-1", 0);
  write_text(folder + "/script.json", "{}");
  ASSERT_TRUE(remove_recording(files_, folder));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(RecordsDir, RemovingLeavesWhatIsNotOurs) {
  const std::string folder = recorded("7-1", 0);
  write_text(folder + "/notes.txt", "mine");
  EXPECT_THAT(remove_recording(files_, folder).error().message,
              HasSubstr("no part of a recording"));
  EXPECT_EQ(read_text(folder + "/notes.txt"), "mine");
  EXPECT_EQ(remove_recording(files_, temp_.path()).error().code, Code::kNotFound);
}

TEST_F(RecordsDir, ARecordingBeingWrittenIsNotRemoved) {
  std::unique_ptr<Recorder> living = recorder();
  const Status status = remove_recording(files_, living->folder());
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("being written"));
  EXPECT_TRUE(std::filesystem::exists(living->folder() + "/metadata.json"));
}

}  // namespace
}  // namespace agdb

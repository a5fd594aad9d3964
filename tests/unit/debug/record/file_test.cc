#include "debug/record/file.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "record_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;

unsigned mode_of(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

TEST(AppendFile, GrowsAtItsEndAndCanBeShortened) {
  const TempFolder temp;
  FileSystem files;
  Result<AppendFile> file = AppendFile::create(files, temp / "f");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->append("abc").status);
  EXPECT_TRUE(file->append("def").status);
  EXPECT_TRUE(file->truncate(4));
  EXPECT_TRUE(file->append("X").status);
  EXPECT_TRUE(file->sync());
  EXPECT_TRUE(file->close());
  EXPECT_EQ(read_text(temp / "f"), "abcdX");
  EXPECT_EQ(mode_of(temp / "f"), 0600u);
}

TEST(AppendFile, TakesNoFileThatIsThere) {
  const TempFolder temp;
  FileSystem files;
  write_text(temp / "f", "precious");
  EXPECT_FALSE(AppendFile::create(files, temp / "f"));
  EXPECT_EQ(read_text(temp / "f"), "precious");
}

TEST(AppendFile, GoesOnAfterInterruptionsAndShortWrites) {
  const TempFolder temp;
  FaultyFileSystem files;
  Result<AppendFile> file = AppendFile::create(files, temp / "f");
  ASSERT_TRUE(file);
  files.fail_writes({.first = 1, .last = 5, .error = EINTR, .partial = 2});
  const AppendFile::Outcome outcome = file->append("abcdef");
  EXPECT_TRUE(outcome.status);
  EXPECT_EQ(outcome.written, 6u);
  EXPECT_EQ(read_text(temp / "f"), "abcdef");
}

TEST(AppendFile, TellsHowMuchOfAFailedWriteStands) {
  const TempFolder temp;
  FaultyFileSystem files;
  Result<AppendFile> file = AppendFile::create(files, temp / "f");
  ASSERT_TRUE(file);
  files.fail_writes({.first = 1, .last = 2, .error = ENOSPC, .partial = 2});
  const AppendFile::Outcome outcome = file->append("abcdef");
  ASSERT_FALSE(outcome.status);
  EXPECT_EQ(outcome.written, 2u);
  EXPECT_EQ(outcome.status.error().code, Code::kIo);
  EXPECT_THAT(outcome.status.error().message,
              testing::AllOf(HasSubstr("cannot write " + temp.path()), HasSubstr("No space")));
  EXPECT_THAT(outcome.status.error().hint, HasSubstr("space"));
}

TEST(MakeDirs, MakesAllThatIsMissingForTheOwnerOnly) {
  const TempFolder temp;
  FileSystem files;
  EXPECT_TRUE(make_dirs(files, temp / "a/b/c"));
  EXPECT_EQ(mode_of(temp / "a"), 0700u);
  EXPECT_EQ(mode_of(temp / "a/b/c"), 0700u);
  EXPECT_TRUE(make_dirs(files, temp / "a/b/c"));
  write_text(temp / "file", "");
  EXPECT_FALSE(make_dirs(files, temp / "file"));
  EXPECT_FALSE(make_dirs(files, temp / "file/below"));
}

TEST(ReadFile, ReadsUpToTheLimit) {
  const TempFolder temp;
  write_text(temp / "f", std::string(100'000, 'x'));
  EXPECT_EQ(read_file(temp / "f", 100'000)->size(), 100'000u);
  EXPECT_EQ(read_file(temp / "f", 99'999).error().code, Code::kCorrupt);
  EXPECT_EQ(read_file(temp / "none", 10).error().code, Code::kNotFound);
  EXPECT_EQ(read_file(temp.path(), 10).error().code, Code::kIo);
  write_text(temp / "empty", "");
  EXPECT_EQ(*read_file(temp / "empty", 0), "");
}

TEST(SystemError, SaysWhatToDo) {
  EXPECT_EQ(system_error(EROFS, "write /a").code, Code::kPermission);
  EXPECT_THAT(system_error(EACCES, "write /a").hint, HasSubstr("--records"));
  EXPECT_THAT(system_error(EMFILE, "open /a").hint, HasSubstr("ulimit"));
  EXPECT_EQ(system_error(ENOENT, "open /a").message, "cannot open /a: No such file or directory");
}

}  // namespace
}  // namespace agdb

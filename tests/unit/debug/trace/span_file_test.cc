#include "debug/trace/span_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "debug/record/event_line.h"
#include "trace_fixture.h"

namespace agdb {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

unsigned mode_of(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

std::vector<std::string> names(const SpanFileContent& content) {
  std::vector<std::string> found;
  for (const Span& span : content.spans) found.push_back(span.name);
  return found;
}

// Counts writes, and makes one of them short or fail.
class Disk final : public FileSystem {
 public:
  std::int64_t write(int fd, std::string_view bytes) override {
    ++writes;
    if (writes == interrupted) return -EINTR;
    if (writes == full) return -ENOSPC;
    return FileSystem::write(fd, writes == short_one ? bytes.substr(0, 10) : bytes);
  }
  int writes = 0;
  int short_one = 0;
  int full = 0;
  int interrupted = 0;
};

TEST(SpanFileTest, WhatIsWrittenIsReadInOrder) {
  const TempTraces temp;
  Disk disk;
  SpanFileWriter writer(disk, temp.path() + "/new/traces");
  ASSERT_TRUE(writer.append(make_span("a", "b")));
  ASSERT_TRUE(writer.append(make_span("b", "")));
  const Result<SpanFileContent> content = read_spans(temp.path() + "/new/traces", "t1");
  ASSERT_TRUE(content);
  EXPECT_THAT(names(*content), ElementsAre("a", "b"));
  EXPECT_EQ(content->bad_lines, 0u);
  EXPECT_EQ(disk.writes, 2);  // one a line
  EXPECT_EQ(mode_of(temp.path() + "/new/traces/t1"), 0700u);
  EXPECT_EQ(mode_of(temp.path() + "/new/traces/t1/spans.jsonl"), 0600u);
}

TEST(SpanFileTest, EachTraceHasItsFile) {
  const TempTraces temp;
  FileSystem files;
  SpanFileWriter writer(files, temp.path());
  Span other = make_span("b", "");
  other.trace_id = "t2";
  ASSERT_TRUE(writer.append(make_span("a", "")));
  ASSERT_TRUE(writer.append(other));
  ASSERT_TRUE(writer.append(make_span("c", "")));
  EXPECT_THAT(names(*read_spans(temp.path(), "t1")), ElementsAre("a", "c"));
  EXPECT_THAT(names(*read_spans(temp.path(), "t2")), ElementsAre("b"));
}

TEST(SpanFileTest, SeveralWritersAddToOneFile) {
  const TempTraces temp;
  FileSystem files;
  SpanFileWriter one(files, temp.path());
  SpanFileWriter two(files, temp.path());
  ASSERT_TRUE(one.append(make_span("a", "")));
  ASSERT_TRUE(two.append(make_span("b", "")));
  ASSERT_TRUE(one.append(make_span("c", "")));
  EXPECT_THAT(names(*read_spans(temp.path(), "t1")), ElementsAre("a", "b", "c"));
}

TEST(SpanFileTest, AShortWriteCostsItsSpanOnly) {
  const TempTraces temp;
  Disk disk;
  disk.short_one = 2;
  SpanFileWriter writer(disk, temp.path());
  writer.on_span(make_span("a", ""));
  writer.on_span(make_span("lost", ""));
  writer.on_span(make_span("c", ""));
  EXPECT_EQ(writer.lost(), 1u);
  EXPECT_THAT(writer.first_failure().error().message, HasSubstr("No space"));
  const Result<SpanFileContent> content = read_spans(temp.path(), "t1");
  EXPECT_THAT(names(*content), ElementsAre("a", "c"));
  ASSERT_EQ(content->bad.size(), 1u);
  EXPECT_EQ(content->bad[0].line, 2u);
}

TEST(SpanFileTest, AFailedWriteLeavesNothing) {
  const TempTraces temp;
  Disk disk;
  disk.full = 1;
  disk.interrupted = 2;
  SpanFileWriter writer(disk, temp.path());
  EXPECT_THAT(writer.append(make_span("lost", "")).error().message,
              AllOf(HasSubstr("spans.jsonl"), HasSubstr("No space")));
  EXPECT_TRUE(writer.append(make_span("b", "")));  // after an interruption
  EXPECT_EQ(read_spans(temp.path(), "t1")->bad_lines, 0u);
  EXPECT_THAT(names(*read_spans(temp.path(), "t1")), ElementsAre("b"));
}

TEST(SpanFileTest, IdsThatCanNameNoFolderAreRefused) {
  const TempTraces temp;
  FileSystem files;
  SpanFileWriter writer(files, temp.path());
  for (const std::string id : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "a\n", "ä"}) {
    Span span = make_span("a", "");
    span.trace_id = id;
    EXPECT_FALSE(writer.append(span)) << id;
    const Result<SpanFileContent> content = read_spans(temp.path(), id);
    ASSERT_FALSE(content) << id;
    EXPECT_EQ(content.error().code, Code::kInvalid);
  }
  EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
  EXPECT_TRUE(check_trace_id("0af7651916cd43dd8448eb211c80319c"));
  EXPECT_TRUE(check_trace_id("trace_1.a-b"));
}

TEST(SpanFileTest, NoFileNoSpans) {
  const TempTraces temp;
  const Result<SpanFileContent> content = read_spans(temp.path(), "t1");
  ASSERT_TRUE(content);
  EXPECT_TRUE(content->spans.empty());
}

TEST(SpanFileTest, AFileThatCannotBeReadIsAnError) {
  const TempTraces temp;
  std::filesystem::create_directories(temp.file("t1"));  // a folder
  EXPECT_THAT(read_spans(temp.path(), "t1").error().message, HasSubstr("spans.jsonl"));
}

TEST(SpanFileTest, ABadLineCostsItselfOnly) {
  const TempTraces temp;
  temp.write("t1",
             "{\"name\":\"a\"}\n{\"name\":\n\n{\"name\":7}\r\n  \n{\"name\":\"b\"}\r\n"
             "{\"name\":\"last\"}");
  const Result<SpanFileContent> content = read_spans(temp.path(), "t1");
  ASSERT_TRUE(content);
  EXPECT_THAT(names(*content), ElementsAre("a", "b", "last"));
  EXPECT_EQ(content->bad_lines, 2u);
  ASSERT_EQ(content->bad.size(), 2u);
  EXPECT_EQ(content->bad[0].line, 2u);
  EXPECT_EQ(content->bad[1], (BadSpanLine{4, "name: expected a text, got 7"}));
}

TEST(SpanFileTest, OfManyBadLinesTheFirstHundredAreTold) {
  const TempTraces temp;
  std::string text;
  for (int i = 0; i < 150; ++i) text += "x\n";
  temp.write("t1", text);
  const Result<SpanFileContent> content = read_spans(temp.path(), "t1");
  EXPECT_EQ(content->bad_lines, 150u);
  EXPECT_EQ(content->bad.size(), 100u);
}

TEST(SpanFileTest, LinesAcrossPiecesAreWhole) {
  const TempTraces temp;
  std::string text;
  for (const std::size_t size : {std::size_t{10}, std::size_t{3} << 20, std::size_t{100}})
    text += "{\"name\":\"" + std::string(size, 'x') + "\"}\n";
  temp.write("t1", text);
  const Result<SpanFileContent> content = read_spans(temp.path(), "t1");
  ASSERT_EQ(content->spans.size(), 3u);
  EXPECT_EQ(content->spans[1].name.size(), std::size_t{3} << 20);
  EXPECT_EQ(content->spans[2].name.size(), 100u);
}

TEST(SpanFileTest, ALineThatIsTooLongIsSkippedToItsEnd) {
  const TempTraces temp;
  temp.write("t1", "{\"name\":\"" + std::string(kMaxLineBytes + 5'000'000, 'x') +
                       "\"}\n{\"name\":\"after\"}\n");
  const Result<SpanFileContent> content = read_spans(temp.path(), "t1");
  ASSERT_EQ(content->spans.size(), 1u);
  EXPECT_EQ(content->spans[0].name, "after");
  ASSERT_EQ(content->bad.size(), 1u);
  EXPECT_EQ(content->bad[0].line, 1u);
  EXPECT_THAT(content->bad[0].why, HasSubstr("longer"));
}

}  // namespace
}  // namespace agdb

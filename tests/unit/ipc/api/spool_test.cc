#include "ipc/api/spool.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <system_error>
#include <vector>

namespace agdb {
namespace {

constexpr std::size_t kPiece = 64 << 10;

std::shared_ptr<Spool> open_spool() {
  Result<std::shared_ptr<Spool>> spool = Spool::open();
  EXPECT_TRUE(spool) << spool.error().message;
  return *std::move(spool);
}

// Each piece by itself.
std::vector<std::string> pieces_of(const BodySource& source) {
  std::vector<std::string> pieces;
  for (;;) {
    std::string piece;
    const Result<bool> more = source(piece);
    EXPECT_TRUE(more);
    pieces.push_back(std::move(piece));
    if (!more || !*more) return pieces;
  }
}

std::string text_of(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

// Where the program's open files lead to that are spools.
std::vector<std::string> open_files() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.contains("/agdb-answer-")) found.push_back(target);
  }
  return found;
}

TEST(SpoolTest, NothingWasWritten) {
  EXPECT_THAT(pieces_of(Spool::read(open_spool())), testing::ElementsAre(""));
}

TEST(SpoolTest, OnePiece) {
  const std::shared_ptr<Spool> spool = open_spool();
  ASSERT_TRUE(spool->write("one"));
  EXPECT_THAT(pieces_of(Spool::read(spool)), testing::ElementsAre("one"));
}

TEST(SpoolTest, ManyWritesAreReadInOrderPieceByPiece) {
  const std::shared_ptr<Spool> spool = open_spool();
  std::string whole;
  for (int i = 0; i < 50'000; ++i) {
    const std::string text = std::to_string(i) + ",";
    ASSERT_TRUE(spool->write(text));
    whole += text;
  }
  const std::vector<std::string> pieces = pieces_of(Spool::read(spool));
  EXPECT_EQ(pieces.size(), (whole.size() + kPiece - 1) / kPiece);
  for (const std::string& piece : pieces) EXPECT_LE(piece.size(), kPiece);
  EXPECT_TRUE(text_of(pieces) == whole);
}

TEST(SpoolTest, SizesAroundAPiece) {
  for (const std::size_t size : {kPiece - 1, kPiece, kPiece + 1, 2 * kPiece}) {
    const std::shared_ptr<Spool> spool = open_spool();
    ASSERT_TRUE(spool->write(std::string(size, 'x')));
    const std::vector<std::string> pieces = pieces_of(Spool::read(spool));
    EXPECT_EQ(pieces.size(), (size + kPiece - 1) / kPiece) << size;
    EXPECT_EQ(text_of(pieces).size(), size);
    EXPECT_FALSE(pieces.back().empty()) << size;
  }
}

TEST(SpoolTest, AnyBytes) {
  const std::shared_ptr<Spool> spool = open_spool();
  const std::string bytes("\0\xff\r\n\0", 5);
  ASSERT_TRUE(spool->write(bytes));
  ASSERT_TRUE(spool->write(""));
  EXPECT_EQ(text_of(pieces_of(Spool::read(spool))), bytes);
}

TEST(SpoolTest, WhatIsThereAlreadyStaysInTheText) {
  const std::shared_ptr<Spool> spool = open_spool();
  ASSERT_TRUE(spool->write("behind"));
  std::string out = "before ";
  EXPECT_FALSE(*Spool::read(spool)(out));
  EXPECT_EQ(out, "before behind");
}

TEST(SpoolTest, TheFileHasNoNameAndGoesWithTheSource) {
  {
    const BodySource source = [] {
      const std::shared_ptr<Spool> spool = open_spool();
      EXPECT_TRUE(spool->write(std::string(kPiece, 'x')));
      return Spool::read(spool);
    }();
    EXPECT_THAT(open_files(), testing::ElementsAre(testing::EndsWith(" (deleted)")));
  }
  EXPECT_THAT(open_files(), testing::IsEmpty());
}

// No file may grow beyond so many bytes, as on a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(SpoolTest, AFullDiskIsAnErrorOfTheWriteThatMeetsIt) {
  const std::shared_ptr<Spool> spool = open_spool();
  const FileSizeLimit limit(kPiece);
  ASSERT_TRUE(spool->write(std::string(kPiece, 'x')));
  const Status full = spool->write(std::string(kPiece, 'y'));
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, testing::HasSubstr("keep an answer in /tmp"));
}

TEST(SpoolTest, OrOfTheFirstPieceWhereItWasWrittenLate) {
  const std::shared_ptr<Spool> spool = open_spool();
  const FileSizeLimit limit(1);
  ASSERT_TRUE(spool->write("two"));
  std::string out;
  EXPECT_FALSE(Spool::read(spool)(out));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace agdb

#include "debug/strace/fd_table.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

Syscall open_call(std::string path, Json result) {
  return {"Open", Json::object({{"path", std::move(path)}}), std::move(result), {}};
}

Syscall on_fd(std::string name, Json fd) {
  return {std::move(name), Json::object({{"fd", std::move(fd)}}), {}, {}};
}

constexpr Pid kPid{1};

TEST(FdTableTest, CallsAreOnThePathThatWasOpened) {
  FdTable table;
  EXPECT_EQ(table.track(kPid, open_call("/dev/tool/ls", 4)), "/dev/tool/ls");
  EXPECT_EQ(table.track(kPid, on_fd("Write", 4)), "/dev/tool/ls");
  EXPECT_EQ(table.track(kPid, on_fd("Read", 4)), "/dev/tool/ls");
  EXPECT_EQ(table.track(kPid, on_fd("Close", 4)), "/dev/tool/ls");
  EXPECT_EQ(table.track(kPid, on_fd("Read", 4)), "") << "it is closed";
}

TEST(FdTableTest, DescriptorMayBeTheReferencesText) {
  FdTable table;
  table.track(kPid, open_call("/dev/null", "FD(3)"));
  EXPECT_EQ(table.track(kPid, on_fd("Read", 3)), "/dev/null");
}

TEST(FdTableTest, FailedOpenHasItsPathAndOpensNothing) {
  FdTable table;
  Syscall call = open_call("/dev/fs/x", 3);
  call.err = "no such file";
  EXPECT_EQ(table.track(kPid, call), "/dev/fs/x");
  EXPECT_EQ(table.track(kPid, on_fd("Read", 3)), "");
}

TEST(FdTableTest, FailedCloseLeavesItOpen) {
  FdTable table;
  table.track(kPid, open_call("/a", 3));
  Syscall call = on_fd("Close", 3);
  call.err = "busy";
  table.track(kPid, call);
  EXPECT_EQ(table.track(kPid, on_fd("Read", 3)), "/a");
}

TEST(FdTableTest, DescriptorsOfProcessesAreApart) {
  FdTable table;
  table.track(Pid{1}, open_call("/a", 3));
  table.track(Pid{2}, open_call("/b", 3));
  EXPECT_EQ(table.track(Pid{1}, on_fd("Read", 3)), "/a");
  table.forget(Pid{1});
  EXPECT_EQ(table.track(Pid{1}, on_fd("Read", 3)), "");
  EXPECT_EQ(table.track(Pid{2}, on_fd("Read", 3)), "/b");
}

TEST(FdTableTest, ReopenedDescriptorIsTheNewPath) {
  FdTable table;
  table.track(kPid, open_call("/a", 3));
  table.track(kPid, open_call("/b", 3));
  EXPECT_EQ(table.track(kPid, on_fd("Read", 3)), "/b");
}

TEST(FdTableTest, OtherCallsAndShapesHaveNoPath) {
  FdTable table;
  table.track(kPid, open_call("/a", 3));
  EXPECT_EQ(table.track(kPid, on_fd("Spawn", 3)), "");
  EXPECT_EQ(table.track(kPid, on_fd("Read", "FD(x)")), "");
  EXPECT_EQ(table.track(kPid, on_fd("Read", "FD()")), "");
  EXPECT_EQ(table.track(kPid, on_fd("Read", "FD(3")), "");
  EXPECT_EQ(table.track(kPid, on_fd("Read", Json())), "");
  EXPECT_EQ(table.track(kPid, Syscall{"Open", {}, 3, {}}), "");
}

TEST(FdTableTest, OpeningForEverIsBounded) {
  FdTable table;
  for (std::size_t fd = 0; fd < FdTable::kMaxOpen + 10; ++fd)
    table.track(kPid, open_call("/a", fd));
  EXPECT_EQ(table.not_kept(), 10u);
  EXPECT_EQ(table.track(kPid, on_fd("Read", FdTable::kMaxOpen)), "");
  table.track(kPid, open_call("/b", 0));
  EXPECT_EQ(table.track(kPid, on_fd("Read", 0)), "/b") << "a known one still changes";
}

TEST(FdTableTest, OfALongPathTheBeginningIsKept) {
  FdTable table;
  table.track(kPid, open_call("/dev/tool/" + std::string(1 << 20, 'x'), 3));
  EXPECT_EQ(table.track(kPid, on_fd("Read", 3)).size(), 4096u);
}

}  // namespace
}  // namespace agdb

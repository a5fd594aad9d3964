#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/runtime/kernel/runtime_fixture.h"

namespace agdb {
namespace {

using ::testing::HasSubstr;

// Agents with a real folder mounted at /dev/fs.
class DevicesTest : public RuntimeTest {
 protected:
  DevicesTest()
      : root_(std::filesystem::path(::testing::TempDir()) /
              ("agdb_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(root_ / "inside");
    write(root_ / "secret.txt", "outside");
    write(root_ / "inside" / "notes.md", "inside");
    const auto device = make_fs_device((root_ / "inside").string());
    EXPECT_TRUE(device.has_value());
    EXPECT_TRUE(kernel.vfs().mount("/dev/fs", *device));
  }
  ~DevicesTest() override { std::filesystem::remove_all(root_); }

  static void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  // What the model is told of reading that path.
  std::string read(const std::string& path) { return use(ScriptDevice{path, std::nullopt}); }
  std::string use(ScriptDevice device) {
    const Pid pid = start(script({calls({call("c1", "file", std::move(device))}), says("done")}));
    finish();
    return final_messages(pid).at(2);
  }

  const std::filesystem::path root_;
};

TEST_F(DevicesTest, AFileIsReadAndWritten) {
  EXPECT_EQ(read("/dev/fs/notes.md"), "tool: inside");
  EXPECT_EQ(use(ScriptDevice{"/dev/fs/new.txt", "hello"}), "tool: wrote 5 bytes");
  EXPECT_EQ(read("/dev/fs/new.txt"), "tool: hello");
  EXPECT_EQ(std::filesystem::status(root_ / "inside" / "new.txt").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(DevicesTest, APathThatLeavesTheFolderIsAPermissionError) {
  std::filesystem::create_symlink("../secret.txt", root_ / "inside" / "link");
  std::filesystem::create_symlink(root_, root_ / "inside" / "dir");
  for (const char* path : {"/dev/fs/../secret.txt", "/dev/fs/link", "/dev/fs/dir/secret.txt"})
    EXPECT_THAT(read(path), HasSubstr("the path leaves the folder")) << path;
  EXPECT_THAT(use(ScriptDevice{"/dev/fs/link", "x"}), HasSubstr("the path leaves the folder"));
  std::ifstream secret(root_ / "secret.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "outside");
}

TEST_F(DevicesTest, ALinkThatStaysInsideIsFollowed) {
  std::filesystem::create_symlink("notes.md", root_ / "inside" / "link");
  EXPECT_EQ(read("/dev/fs/link"), "tool: inside");
}

TEST_F(DevicesTest, WhatIsNoRegularFileIsRefused) {
  EXPECT_EQ(read("/dev/fs"), "tool: not a regular file: .");
  EXPECT_EQ(read("/dev/fs/missing"), "tool: no such file: missing");
}

TEST_F(DevicesTest, AFileLongerThanOneReadIsReadWhole) {
  const std::string text(200'000, 'x');
  write(root_ / "inside" / "long.txt", text);
  EXPECT_EQ(read("/dev/fs/long.txt"), "tool: " + text);
  EXPECT_EQ(syscalls(Pid{1}, "Read").size(), 2 + 5u);
}

TEST_F(DevicesTest, TheNullDeviceTakesEverythingAndGivesNothing) {
  EXPECT_EQ(read("/dev/null"), "tool: ");
  EXPECT_EQ(use(ScriptDevice{"/dev/null", "gone"}), "tool: wrote 4 bytes");
}

TEST_F(DevicesTest, AModelIsNoFile) {
  EXPECT_EQ(read("/dev/llm/scripted"), "tool: a model gives an answer, not bytes");
}

TEST_F(DevicesTest, UnknownDevicesAreNamed) {
  EXPECT_EQ(read("/dev/gpu0"), "tool: no such device: /dev/gpu0");
}

TEST(Vfs, TheDeepestMountWinsAndBadMountPointsAreRefused) {
  Vfs vfs;
  const auto outer = make_null_device();
  const auto inner = make_null_device();
  ASSERT_TRUE(vfs.mount("/dev", outer));
  ASSERT_TRUE(vfs.mount("/dev/tool", inner));
  EXPECT_EQ(vfs.find("/dev/tool/a/b")->device, inner);
  EXPECT_EQ(vfs.find("/dev/tool/a/b")->rest, "a/b");
  EXPECT_EQ(vfs.find("/dev/toolbox")->device, outer);
  EXPECT_FALSE(vfs.find("/proc"));
  EXPECT_FALSE(vfs.find(""));
  for (const char* path : {"", "/", "dev", "/dev/", "/a//b", "/a/../b", "/dev/tool"})
    EXPECT_FALSE(vfs.mount(path, inner)) << path;
  EXPECT_TRUE(vfs.unmount("/dev/tool"));
  EXPECT_FALSE(vfs.unmount("/dev/tool"));
}

TEST(FsDevice, AMissingFolderIsSaid) {
  EXPECT_THAT(make_fs_device("/nowhere/at/all").error().message, HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace agdb

#include "ipc/wire/unix_socket.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "ipc/wire/blocking_connection.h"

namespace agdb {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class UnixSocketTest : public ::testing::Test {
 protected:
  UnixSocketTest() {
    std::string pattern = fs::temp_directory_path() / "agdb-sock-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder / "d" / "agdb.sock";
  }
  ~UnixSocketTest() override { fs::remove_all(folder); }

  static Error error_of(const std::string& path) {
    Result<ListeningSocket> opened = ListeningSocket::open(path);
    EXPECT_FALSE(opened.has_value());
    return opened ? Error{} : opened.error();
  }

  fs::path folder;
  std::string path;
};

TEST_F(UnixSocketTest, TheEnvironmentNamesThePlace) {
  EXPECT_EQ(default_socket_path({"/a/b", "/run/user/7", 7}), "/a/b");
  EXPECT_EQ(default_socket_path({"", "/run/user/7", 7}), "/run/user/7/agdb/agdb.sock");
  EXPECT_EQ(default_socket_path({"", "", 7}), "/tmp/agdb-7/agdb.sock");
  EXPECT_EQ(default_socket_path({"", "relative", 7}), "/tmp/agdb-7/agdb.sock");
}

TEST_F(UnixSocketTest, IsPrivateAndGoesWithItsOwner) {
  {
    const auto socket = ListeningSocket::open(path);
    ASSERT_TRUE(socket.has_value()) << socket.error().message;
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600));
    EXPECT_EQ(fs::status(fs::path(path).parent_path()).permissions(), fs::perms(0700));
    const Result<int> connected = connect_socket(path);
    ASSERT_TRUE(connected.has_value());
    EXPECT_EQ(peer_of(*connected)->pid, ::getpid());
    ::close(*connected);
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(connect_socket(path).error().code, Code::kUnavailable);
  EXPECT_THAT(connect_socket(path).error().hint, HasSubstr("agdb serve"));
}

TEST_F(UnixSocketTest, ALivingDaemonIsRespected) {
  const auto first = ListeningSocket::open(path);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(error_of(path).code, Code::kUnavailable);
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(UnixSocketTest, ADeadDaemonsSocketIsReplaced) {
  {
    const auto dead = ListeningSocket::open(path);
    fs::rename(path, path + ".kept");
  }
  fs::rename(path + ".kept", path);
  EXPECT_EQ(connect_socket(path).error().code, Code::kUnavailable);
  EXPECT_TRUE(ListeningSocket::open(path).has_value());
}

TEST_F(UnixSocketTest, AKilledDaemonsSocketIsReplaced) {
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    const auto socket = ListeningSocket::open(path);
    ::_exit(socket ? 0 : 1);  // without its destructor
  }
  int status = -1;
  ASSERT_EQ(::waitpid(daemon, &status, 0), daemon);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(fs::exists(path));
  EXPECT_EQ(connect_socket(path).error().code, Code::kUnavailable);
  const auto next = ListeningSocket::open(path);
  ASSERT_TRUE(next.has_value()) << next.error().message;
  const Result<int> connected = connect_socket(path);
  EXPECT_TRUE(connected.has_value());
  ::close(*connected);
}

TEST_F(UnixSocketTest, AnotherDaemonsSocketIsLeftWhereItStands) {
  std::optional<ListeningSocket> first(ListeningSocket::open(path).value());
  fs::remove_all(folder / "d");
  const auto second = ListeningSocket::open(path);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  first.reset();
  const Result<int> connected = connect_socket(path);
  ASSERT_TRUE(connected.has_value()) << connected.error().message;
  ::close(*connected);
}

TEST_F(UnixSocketTest, AFolderOfAnotherUserIsRefused) {
  // Only root can give a folder away; for everybody else, "/" is one.
  std::string elsewhere = "/agdb.sock";
  if (::geteuid() == 0) {
    fs::create_directory(folder / "d");
    ASSERT_EQ(::chown((folder / "d").c_str(), 65534, 65534), 0);
    elsewhere = path;
  }
  const Error error = error_of(elsewhere);
  EXPECT_EQ(error.code, Code::kPermission);
  EXPECT_THAT(error.message, HasSubstr("belongs to another user"));
}

TEST_F(UnixSocketTest, AFileInTheFoldersPlaceIsSaid) {
  std::ofstream(folder / "d") << "a file";
  EXPECT_THAT(error_of(path).message, HasSubstr("is no folder"));
  EXPECT_EQ(connect_socket(path).error().code, Code::kUnavailable);
}

TEST_F(UnixSocketTest, AFolderThatOthersMayEnterIsRefused) {
  fs::create_directory(folder / "d");
  fs::permissions(folder / "d", fs::perms(0755));
  const Error error = error_of(path);
  EXPECT_EQ(error.code, Code::kPermission);
  EXPECT_THAT(error.message, HasSubstr("open to other users"));
}

TEST_F(UnixSocketTest, APlantedLinkIsNotFollowed) {
  fs::create_directory(folder / "real");
  fs::permissions(folder / "real", fs::perms(0700));
  fs::create_directory_symlink(folder / "real", folder / "d");
  EXPECT_THAT(error_of(path).message, HasSubstr("is a link"));
  EXPECT_THAT(error_of((folder / "d").string() + "//agdb.sock").message, HasSubstr("is a link"));
  EXPECT_TRUE(fs::is_empty(folder / "real"));
}

TEST_F(UnixSocketTest, APlantedSocketLinkIsNotFollowed) {
  const auto other = ListeningSocket::open(folder / "other" / "agdb.sock");
  ASSERT_TRUE(other.has_value());
  fs::create_directory(folder / "d");
  fs::permissions(folder / "d", fs::perms(0700));
  fs::create_symlink(other->path(), path);
  EXPECT_THAT(error_of(path).message, HasSubstr("no socket of yours"));
  EXPECT_TRUE(fs::exists(other->path()));
}

TEST_F(UnixSocketTest, APlantedFileIsNotRemoved) {
  fs::create_directory(folder / "d");
  fs::permissions(folder / "d", fs::perms(0700));
  std::ofstream(path) << "precious";
  EXPECT_THAT(error_of(path).message, HasSubstr("no socket of yours"));
  EXPECT_EQ(fs::file_size(path), 8U);
}

TEST_F(UnixSocketTest, APlantedLockIsNotFollowed) {
  fs::create_directory(folder / "d");
  fs::permissions(folder / "d", fs::perms(0700));
  fs::create_symlink(folder / "elsewhere", path + ".lock");
  EXPECT_FALSE(ListeningSocket::open(path).has_value());
  EXPECT_FALSE(fs::exists(folder / "elsewhere"));
}

TEST_F(UnixSocketTest, APathThatIsTooLongIsSaid) {
  const std::string longer = folder / std::string(120, 'x');
  EXPECT_EQ(error_of(longer).code, Code::kInvalid);
  EXPECT_THAT(error_of(longer).message, HasSubstr("too long"));
  EXPECT_EQ(connect_socket(longer).error().code, Code::kInvalid);
}

TEST_F(UnixSocketTest, APathAtTheLimitWorks) {
  constexpr std::size_t kLongest = 107;  // sun_path, less its end
  const std::string base = (folder / "d").string() + "/";
  ASSERT_LT(base.size(), kLongest);
  const std::string longest = base + std::string(kLongest - base.size(), 'x');
  EXPECT_TRUE(ListeningSocket::open(longest).has_value());
  EXPECT_THAT(error_of(longest + "x").message, HasSubstr("108 bytes of at most 107"));
}

TEST_F(UnixSocketTest, APathThatNamesNoFileIsRefused) {
  EXPECT_EQ(error_of("").code, Code::kInvalid);
  EXPECT_EQ(connect_socket("").error().code, Code::kInvalid);
  EXPECT_EQ(error_of(path + '\0' + "x").code, Code::kInvalid);
  EXPECT_EQ(connect_socket(std::string("\0agdb", 5)).error().code, Code::kInvalid);
}

TEST_F(UnixSocketTest, AFolderThatCannotBeMadeIsSaid) {
  EXPECT_THAT(error_of(folder / "no" / "such" / "agdb.sock").message,
              HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace agdb

#include "ipc/http/guard.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace agdb {
namespace {

HttpRequest request_with(std::vector<HttpField> headers) {
  return {.method = "GET", .headers = std::move(headers)};
}

int status_for(const Guard& guard, std::vector<HttpField> headers) {
  const auto refused = guard.refuse(request_with(std::move(headers)));
  return refused ? refused->status : 200;
}

const Guard& plain() {
  static const Guard guard({.host = "127.0.0.1", .port = 7475});
  return guard;
}

TEST(Guard, NamesOfTheLoopbackAreTaken) {
  for (const char* const host :
       {"127.0.0.1:7475", "localhost:7475", "LocalHost:7475", "[::1]:7475"})
    EXPECT_EQ(status_for(plain(), {{"host", host}}), 200) << host;
}

TEST(Guard, OtherNamesAreNot) {
  for (const char* const host :
       {"evil.example", "evil.example:7475", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:7475.evil",
        "localhost.evil.example:7475", "10.0.0.1:7475", "", ":7475", "127.0.0.1:7475@evil", "::1",
        "[::1]", "127.0.0.1:74750", "127.0.0.1:"})
    EXPECT_EQ(status_for(plain(), {{"host", host}}), 421) << host;
}

TEST(Guard, ThereIsOneHost) {
  EXPECT_EQ(status_for(plain(), {}), 400);
  EXPECT_EQ(status_for(plain(), {{"host", "127.0.0.1:7475"}, {"host", "127.0.0.1:7475"}}), 400);
  HttpRequest old = request_with({});
  old.minor_version = 0;
  EXPECT_FALSE(plain().refuse(old));
}

TEST(Guard, TheTargetMayNotNameAnother) {
  HttpRequest request = request_with({{"host", "127.0.0.1:7475"}});
  request.target.authority = "127.0.0.1:7475";
  EXPECT_FALSE(plain().refuse(request));
  request.target.authority = "evil.example";
  EXPECT_EQ(plain().refuse(request)->status, 421);
}

TEST(Guard, TheDefaultPortNeedNotBeNamed) {
  const Guard guard({.host = "127.0.0.1", .port = 80});
  EXPECT_EQ(status_for(guard, {{"host", "localhost"}}), 200);
}

TEST(Guard, TheNameThatWasAskedForIsTaken) {
  const Guard guard({.host = "Box.example", .port = 7475});
  EXPECT_EQ(status_for(guard, {{"host", "box.example:7475"}}), 200);
  EXPECT_EQ(status_for(guard, {{"host", "10.0.0.1:7475"}}), 421);
}

TEST(Guard, OnAllAddressesAnyAddressWillDoButNoName) {
  const Guard guard({.host = "0.0.0.0", .port = 7475, .any_address = true});
  EXPECT_EQ(status_for(guard, {{"host", "10.0.0.1:7475"}}), 200);
  EXPECT_EQ(status_for(guard, {{"host", "[fe80::1]:7475"}}), 200);
  EXPECT_EQ(status_for(guard, {{"host", "evil.example:7475"}}), 421);
}

TEST(Guard, PagesOfOthersAreRefused) {
  const HttpField host = {"host", "127.0.0.1:7475"};
  EXPECT_EQ(status_for(plain(), {host, {"origin", "http://127.0.0.1:7475"}}), 200);
  EXPECT_EQ(status_for(plain(), {host, {"origin", "http://localhost:7475"}}), 200);
  for (const char* const origin :
       {"http://evil.example", "null", "https://127.0.0.1:7475", "http://localhost:3000",
        "http://127.0.0.1:7475.evil.example", "", "file://"})
    EXPECT_EQ(status_for(plain(), {host, {"origin", origin}}), 403) << origin;
  const HttpField ours = {"origin", "http://127.0.0.1:7475"};
  EXPECT_EQ(status_for(plain(), {host, ours, {"origin", "http://evil.example"}}), 403);
}

TEST(Guard, BrowsersTellTheSite) {
  const HttpField host = {"host", "127.0.0.1:7475"};
  EXPECT_EQ(status_for(plain(), {host, {"sec-fetch-site", "none"}}), 200);
  EXPECT_EQ(status_for(plain(), {host, {"sec-fetch-site", "same-origin"}}), 200);
  EXPECT_EQ(status_for(plain(), {host, {"sec-fetch-site", "same-site"}}), 403);
  EXPECT_EQ(status_for(plain(), {host, {"sec-fetch-site", "cross-site"}}), 403);
  const HttpField ours = {"sec-fetch-site", "same-origin"};
  EXPECT_EQ(status_for(plain(), {host, ours, {"sec-fetch-site", "cross-site"}}), 403);
}

TEST(Guard, ATokenMustBeTheOne) {
  const Guard guard({.host = "127.0.0.1", .port = 7475, .token = "0123456789abcdef"});
  const HttpField host = {"host", "127.0.0.1:7475"};
  EXPECT_EQ(status_for(guard, {host, {"authorization", "Bearer 0123456789abcdef"}}), 200);
  for (const char* const given :
       {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer ",
        "Basic 0123456789abcdef", "0123456789abcdef", "", "Bearer  0123456789abcdef"})
    EXPECT_EQ(status_for(guard, {host, {"authorization", given}}), 401) << given;
  EXPECT_EQ(status_for(guard, {host}), 401);
  EXPECT_EQ(status_for(guard, {host,
                               {"authorization", "Bearer 0123456789abcdef"},
                               {"authorization", "Bearer x"}}),
            401);
}

TEST(SameInConstantTime, IsTheSame) {
  EXPECT_TRUE(same_in_constant_time("", ""));
  EXPECT_TRUE(same_in_constant_time("abc", "abc"));
  for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{
           {"abc", "abd"}, {"abc", "ab"}, {"abc", ""}, {"", "abc"}, {"ab", "abab"}, {"abab", "ab"}})
    EXPECT_FALSE(same_in_constant_time(a, b)) << a << " " << b;
}

class TokenFile : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(folder_.data()); }

  std::string write(std::string_view text, mode_t mode = 0600) {
    std::string path = std::string(folder_.data()) + "/token";
    std::filesystem::remove(path);
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static Code code_of(const std::string& path) {
    const Result<std::string> token = read_token_file(path);
    EXPECT_FALSE(token);
    return token ? Code::kIo : token.error().code;
  }

  std::array<char, 32> folder_ = {"/tmp/agdb-token-XXXXXX"};
};

TEST_F(TokenFile, ALineIsTheToken) {
  EXPECT_EQ(*read_token_file(write("0123456789abcdef")), "0123456789abcdef");
  EXPECT_EQ(*read_token_file(write("0123456789abcdef\n")), "0123456789abcdef");
  EXPECT_EQ(*read_token_file(write("0123456789abcdef\r\n", 0400)), "0123456789abcdef");
}

TEST_F(TokenFile, OthersMayNotReadIt) {
  for (const mode_t mode : {0644, 0640, 0604, 0660, 0620, 0601})
    EXPECT_EQ(code_of(write("0123456789abcdef", mode)), Code::kPermission) << mode;
}

TEST_F(TokenFile, AShortOneIsRefused) {
  EXPECT_EQ(code_of(write("")), Code::kInvalid);
  EXPECT_EQ(code_of(write("\n")), Code::kInvalid);
  EXPECT_EQ(code_of(write("0123456789abcde\n")), Code::kInvalid);
}

TEST_F(TokenFile, WhatIsNoLineOfVisibleTextIsRefused) {
  EXPECT_EQ(code_of(write("0123456789abcdef 0")), Code::kInvalid);
  EXPECT_EQ(code_of(write("0123456789abcdef\nmore")), Code::kInvalid);
  EXPECT_EQ(code_of(write("0123456789abcdef\xc3\xa4")), Code::kInvalid);
  EXPECT_EQ(code_of(write(std::string(5000, 'x'))), Code::kInvalid);
}

TEST_F(TokenFile, WhatIsNoFileIsRefused) {
  EXPECT_EQ(code_of(folder_.data()), Code::kPermission);
  EXPECT_EQ(code_of(std::string(folder_.data()) + "/missing"), Code::kNotFound);
}

}  // namespace
}  // namespace agdb

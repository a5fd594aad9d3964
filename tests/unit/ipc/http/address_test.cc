#include "ipc/http/address.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

TEST(HttpAddress, HostAndPort) {
  EXPECT_EQ(*parse_http_address("127.0.0.1:7475"), (HttpAddress{"127.0.0.1", 7475}));
  EXPECT_EQ(*parse_http_address("localhost:0"), (HttpAddress{"localhost", 0}));
  EXPECT_EQ(*parse_http_address("[::1]:65535"), (HttpAddress{"::1", 65535}));
}

TEST(HttpAddress, AsText) {
  EXPECT_EQ((HttpAddress{"127.0.0.1", 80}.text()), "127.0.0.1:80");
  EXPECT_EQ((HttpAddress{"::1", 80}.text()), "[::1]:80");
}

TEST(HttpAddress, WhatIsNoneIsRefused) {
  for (const char* const text :
       {"", ":", ":80", "host", "host:", "host:-1", "host:65536", "host:80x", "::1:80", "[::1]",
        "[host]:80", "[]:80", "host: 80", "host:+80"})
    EXPECT_FALSE(parse_http_address(text)) << text;
}

}  // namespace
}  // namespace agdb

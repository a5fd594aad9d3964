#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// Where a server listens.
struct HttpAddress {
  std::string host;  // a name or an IP address, without brackets
  std::uint16_t port = 0;

  // "127.0.0.1:7475", "[::1]:7475".
  std::string text() const;
  bool operator==(const HttpAddress&) const = default;
};

// "HOST:PORT" or "[IPV6]:PORT"; port 0 lets the system choose one.
Result<HttpAddress> parse_http_address(std::string_view text);

}  // namespace agdb

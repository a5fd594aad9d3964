#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

// A collector.
struct OtlpUrl {
  std::string host;  // a name or an address; of IPv6 without brackets
  std::uint16_t port = 4318;
  std::string path = "/v1/traces";

  bool operator==(const OtlpUrl&) const = default;
};

// "http://HOST[:PORT][/PATH]"; a path of "/" is none. Errors: https (kUnsupported), a name and
// password in it, anything else.
Result<OtlpUrl> parse_otlp_url(std::string_view url);

}  // namespace agdb

#include "ipc/http/address.h"

#include <fmt/format.h>

#include <charconv>

namespace agdb {
namespace {

std::unexpected<Error> wrong(std::string_view text) {
  return fail(Code::kInvalid, fmt::format("\"{}\" is no address to listen on", text.substr(0, 200)),
              "HOST:PORT, as 127.0.0.1:7475 or [::1]:7475");
}

}  // namespace

std::string HttpAddress::text() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<HttpAddress> parse_http_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() > 253 || bracketed != host.contains(':')) return wrong(text);
  HttpAddress address{.host = std::string(host)};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
    return wrong(text);
  return address;
}

}  // namespace agdb

#include "ipc/otlp/otlp_url.h"

#include <algorithm>
#include <charconv>

namespace agdb {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kExample = "as in http://localhost:4318";

std::unexpected<Error> no_url(std::string_view url, std::string why) {
  return fail(Code::kInvalid, "\"" + std::string(url) + "\" is no collector's address: " + why,
              std::string(kExample));
}

// What a header or the system would take for something else.
bool is_plain(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
  return true;
}

}  // namespace

Result<OtlpUrl> parse_otlp_url(std::string_view url) {
  if (url.starts_with("https://"))
    return fail(Code::kUnsupported, "https is not supported",
                "send to a collector on this machine, which may pass it on");
  if (!url.starts_with(kScheme)) return no_url(url, "it does not begin with http://");
  if (!is_plain(url)) return no_url(url, "blanks or control characters in it");
  std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  const std::string_view path = rest.substr(slash);
  OtlpUrl out;
  if (path.size() > 1) out.path = path;
  if (authority.contains('@')) return no_url(url, "a user's name in it");
  if (path.contains('#')) return no_url(url, "a fragment in it");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return no_url(url, "no ] behind the [");
    out.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (out.host.empty()) return no_url(url, "no host in it");
  if (port.empty()) return out;
  const char* const last = port.data() + port.size();
  const auto [end, error] = std::from_chars(port.data() + 1, last, out.port);
  if (port.front() != ':' || error != std::errc() || end != last || out.port == 0)
    return no_url(url, "no port of 1 to 65535 behind the host");
  return out;
}

}  // namespace agdb

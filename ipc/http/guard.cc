#include "ipc/http/guard.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "ipc/http/address.h"
#include "ipc/http/problem.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool is_loopback_name(const std::string& host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

HttpResponse ask_for_token(std::string_view detail) {
  HttpResponse response = problem(
      401, detail, "Authorization: Bearer TOKEN, with what is in serve's --http-token-file");
  response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"agdb\""});
  return response;
}

struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

Status check_rights(int fd, const std::string& path) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
    return fail(Code::kPermission, fmt::format("the token file {} is no regular file", path));
  if (facts.st_uid != ::geteuid())
    return fail(Code::kPermission, fmt::format("the token file {} belongs to another user", path));
  if ((facts.st_mode & 0077) != 0)
    return fail(Code::kPermission,
                fmt::format("the token file {} is open to others (mode {:04o})", path,
                            facts.st_mode & 07777),
                "chmod 600 it, and use a new token if others may have read it");
  return {};
}

}  // namespace

bool same_in_constant_time(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() && b.empty();
  volatile unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < b.size(); ++i)
    difference = static_cast<unsigned char>(difference | (a[i % a.size()] ^ b[i]));
  return difference == 0;
}

Result<std::string> read_token_file(const std::string& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0)
    return fail(errno == ENOENT ? Code::kNotFound : Code::kIo,
                fmt::format("cannot read the token file {}: {}", path, std::strerror(errno)));
  AGDB_CHECK_OK(check_rights(file.fd, path));
  std::array<char, kMaxTokenBytes + 2> bytes{};
  const ssize_t got = ::read(file.fd, bytes.data(), bytes.size());
  if (got < 0)
    return fail(Code::kIo,
                fmt::format("cannot read the token file {}: {}", path, std::strerror(errno)));
  std::string token(bytes.data(), static_cast<std::size_t>(got));
  if (token.ends_with('\n')) token.pop_back();
  if (token.ends_with('\r')) token.pop_back();
  if (token.size() < kMinTokenBytes)
    return fail(Code::kInvalid,
                fmt::format("the token in {} is shorter than {} characters", path, kMinTokenBytes),
                "`openssl rand -hex 32` makes one");
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (token.size() > kMaxTokenBytes || !std::ranges::all_of(token, is_visible))
    return fail(Code::kInvalid,
                fmt::format("the token in {} is not one line of visible ASCII, of up to {} bytes",
                            path, kMaxTokenBytes));
  return token;
}

bool Guard::is_our_name(std::string_view authority) const {
  const std::string lower = to_lower_ascii(authority);
  Result<HttpAddress> address = parse_http_address(lower);
  // A name alone means the port that HTTP has by default.
  if (!address) address = parse_http_address(lower + ":80");
  if (!address || address->port != rules_.port) return false;
  const std::string& host = address->host;
  return is_loopback_name(host) || host == to_lower_ascii(rules_.host) ||
         (rules_.any_address && is_ip_address(host));
}

bool Guard::is_our_origin(std::string_view origin) const {
  static constexpr std::string_view kScheme = "http://";
  return origin.starts_with(kScheme) && is_our_name(origin.substr(kScheme.size()));
}

std::optional<HttpResponse> Guard::refuse(const HttpRequest& request) const {
  const std::size_t hosts = request.count("host");
  if (hosts > 1 || (hosts == 0 && request.minor_version > 0))
    return problem(400, hosts == 0 ? "there is no Host header" : "there are several Host headers");
  if (const auto host = request.header("host"); host && !is_our_name(*host))
    return problem(421, fmt::format("this server is not \"{}\"", to_utf8(host->substr(0, 200))),
                   "ask it by the address that it was told to listen on");
  if (!request.target.authority.empty() && !is_our_name(request.target.authority))
    return problem(421, "this server is not the one that the target names");
  for (const HttpField& field : request.headers) {
    if (field.name == "origin" && !is_our_origin(field.value))
      return problem(403, "pages of other origins may not ask this server");
    if (field.name == "sec-fetch-site" && field.value != "same-origin" && field.value != "none")
      return problem(403, "pages of other sites may not ask this server");
  }
  if (rules_.token.empty()) return std::nullopt;
  const auto given = request.header("authorization");
  if (!given) return ask_for_token("a token is needed");
  if (to_lower_ascii(given->substr(0, 7)) != "bearer " || request.count("authorization") != 1 ||
      !same_in_constant_time(rules_.token, given->substr(7)))
    return ask_for_token("this is not the token");
  return std::nullopt;
}

}  // namespace agdb

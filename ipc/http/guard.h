#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/http/http_message.h"

namespace agdb {

// Who may ask. A browser on this machine reaches every local server, on behalf of any page it
// shows: so a request must name the server as it is named here (no DNS rebinding), must not come
// from a page of another origin, and no answer ever allows one to read it.
class Guard {
 public:
  struct Rules {
    std::string host;        // the one that was asked to listen on: a name or an IP address
    std::uint16_t port = 0;  // that it listens on
    // It listens on all addresses of the machine: any IP address will do, but no unknown name.
    bool any_address = false;
    std::string token;  // that each request must bring; empty: none
  };
  explicit Guard(Rules rules) : rules_(std::move(rules)) {}

  // Nothing: come in. Else 400 (no Host, or several), 421 (another's name), 403 (another's page),
  // 401 (no or a wrong token).
  std::optional<HttpResponse> refuse(const HttpRequest& request) const;

 private:
  bool is_our_name(std::string_view authority) const;
  bool is_our_origin(std::string_view origin) const;
  Rules rules_;
};

inline constexpr std::size_t kMinTokenBytes = 16;

// The token that a file holds: its one line. Errors: a file that is no regular one, is another
// user's, or that others may read or write (kPermission); under kMinTokenBytes, or with blanks or
// control characters within (kInvalid).
Result<std::string> read_token_file(const std::string& path);

// Takes as long for any two texts of the same sizes.
bool same_in_constant_time(std::string_view a, std::string_view b);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "debug/secrets/secret_kind.h"

namespace agdb {

// What a name says of the value that it is given: "DB_PASSWORD", "apiKey", "X-Api-Key",
// "--client-secret". Nothing for a name that says nothing, and for tokens that are no secrets
// (max_tokens, nextPageToken).
std::optional<SecretKind> secret_named(std::string_view name);

// Whether such a name may end in this byte: nearly every name that says nothing ends in another.
constexpr bool may_end_secret_name(char c) {
  switch (c | 0x20) {
    case 'd':  // password, passwd, pwd
    case 't':  // secret
    case 'e':  // passphrase, secret_key_base
    case 'y':  // key
    case 's':  // pass, credentials
    case 'n':  // token, authorization
    case 'l':  // credential
      return true;
    default:
      return false;
  }
}

// Whether a value under such a name is a secret, and not a word, a type, a variable, a placeholder,
// a protocol's id or (under "token") a hash or a uuid. `quoted`: it stood in quotes.
bool is_secret_value(SecretKind kind, std::string_view value, bool quoted);

// Members of model APIs that hold long base64 which is no secret: images, signatures of thoughts.
bool holds_base64(std::string_view name);

}  // namespace agdb

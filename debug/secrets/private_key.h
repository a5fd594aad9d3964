#pragma once

#include <optional>
#include <string_view>

#include "debug/secrets/key_prefix.h"

namespace agdb {

// A private key in PEM or OpenPGP armour whose "-----BEGIN" stands at `at`: to its END line, or
// where that is missing as far as its base64 goes. Line ends may be escaped ("\n", "\\n"), lines
// may be numbered, quoted or parts of a program's text. Public keys and certificates are none, nor
// is a BEGIN line that no base64 follows.
std::optional<FoundSecret> find_private_key(std::string_view text, std::size_t at);

}  // namespace agdb

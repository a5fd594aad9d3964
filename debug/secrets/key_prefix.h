#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "debug/secrets/secret_kind.h"

namespace agdb {

// A secret in a text: the bytes [begin, end) are what has to go.
struct FoundSecret {
  std::size_t begin = 0;
  std::size_t end = 0;
  SecretKind kind{};
};

// How a vendor's keys look: a prefix, then so many characters of an alphabet, letters and digits
// mixed. The numbers are those of the vendors' documents, or below them where these give none.
struct KeyPrefix {
  std::string_view prefix;
  SecretKind kind{};
  std::uint16_t alphabet = 0;  // of byte_class
  std::size_t at_least = 0;    // characters behind the prefix
  std::size_t at_most = 0;     // 0: no limit
};

// The key that begins at `at`, by its prefix and its length. Names such as "sk-fading-circle" and
// protocol ids are none. Whether a token may begin there is the caller's question.
std::optional<FoundSecret> find_key(std::string_view text, std::size_t at);

// A JSON web token: three or more parts of base64url, the first of which begins a JSON object.
std::optional<FoundSecret> find_jwt(std::string_view text, std::size_t at);

// The first place from `from` on where a key, a JWT, the word "bearer", one of : = > or "--"
// begins, by two bytes; npos: none. What every byte of every text goes through.
std::size_t next_candidate(std::string_view text, std::size_t from);

// Whether `token` (its first 256 bytes) changes between letters and digits at least `changes`
// times, as random characters do and words do not.
bool looks_random(std::string_view token, int changes);

}  // namespace agdb

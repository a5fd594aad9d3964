#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "debug/secrets/key_prefix.h"

namespace agdb {

// Finds the secrets of a text one after the other, from its beginning to its end, in linear time
// whatever the text. The text outlives it. One thread.
//
// What is looked for, at bytes that may begin one:
//   a vendor's key, a JWT    by prefix and length             key_prefix.h
//   a private key            -----BEGIN … PRIVATE KEY-----    private_key.h
//   Bearer TOKEN
//   NAME = VALUE             also NAME: VALUE, "NAME": "VALUE" (escaped or not), <NAME>VALUE,
//                            --NAME VALUE; the name says so   secret_name.h
//   scheme://user:PASSWORD@
class SecretFinder {
 public:
  explicit SecretFinder(std::string_view text) : text_(text) {}

  // The next one, behind those that were found before.
  std::optional<FoundSecret> next();

 private:
  bool may_begin_token(std::size_t at) const;
  std::optional<FoundSecret> at(std::size_t at);
  std::optional<FoundSecret> at_token(std::size_t at);
  std::optional<FoundSecret> at_bearer(std::size_t at);
  std::optional<FoundSecret> at_sign(std::size_t at);
  std::optional<FoundSecret> at_hyphen(std::size_t at);
  std::optional<FoundSecret> at_url(std::size_t at);
  std::optional<FoundSecret> value_at(std::size_t at, SecretKind kind);
  std::optional<FoundSecret> credential_at(std::size_t at);
  std::string_view name_before(std::size_t at) const;
  std::size_t end_of_word(std::size_t at);

  std::string_view text_;
  std::size_t done_ = 0;   // nothing before it is looked at again
  std::size_t floor_ = 0;  // the end of the last secret: stands for a sign that is no letter
  // What end_of_word found last: from each place in between the end is the same.
  std::size_t word_begin_ = 0;
  std::size_t word_end_ = 0;
};

}  // namespace agdb

#include "debug/secrets/secret_kind.h"

#include <fmt/format.h>

#include <numeric>

namespace agdb {

std::string_view secret_kind_name(SecretKind kind) {
  static constexpr std::array<std::string_view, kSecretKinds> kNames = {
      "anthropic_key", "openai_key",    "aws_key_id", "aws_secret",   "github_token",
      "gitlab_token",  "slack_token",   "google_key", "sendgrid_key", "npm_token",
      "pypi_token",    "stripe_key",    "hf_token",   "vendor_key",   "jwt",
      "private_key",   "authorization", "password",   "api_key",      "secret",
      "token",         "url_password",
  };
  return kNames[static_cast<std::size_t>(kind)];
}

void MaskCounts::add(const MaskCounts& other) {
  for (std::size_t i = 0; i < kSecretKinds; ++i) counts_[i] += other.counts_[i];
}

std::uint64_t MaskCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::string MaskCounts::text() const {
  std::string text;
  for (std::size_t i = 0; i < kSecretKinds; ++i) {
    if (counts_[i] == 0) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ",
                        secret_kind_name(static_cast<SecretKind>(i)), counts_[i]);
  }
  return text;
}

}  // namespace agdb

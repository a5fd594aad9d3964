#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace agdb {

// What a secret is, by its look or by the name beside it. The names stand in masked texts.
enum class SecretKind : std::uint8_t {
  kAnthropicKey,
  kOpenAiKey,
  kAwsKeyId,
  kAwsSecret,
  kGithubToken,
  kGitlabToken,
  kSlackToken,
  kGoogleKey,
  kSendgridKey,
  kNpmToken,
  kPypiToken,
  kStripeKey,
  kHuggingFaceToken,
  kVendorKey,  // of a vendor whose keys have a prefix of their own but who has no kind here
  kJwt,
  kPrivateKey,
  kAuthorization,
  kPassword,
  kApiKey,
  kSecret,
  kToken,
  kUrlPassword,
};
inline constexpr std::size_t kSecretKinds = static_cast<std::size_t>(SecretKind::kUrlPassword) + 1;

// "github_token", "private_key", …
std::string_view secret_kind_name(SecretKind kind);

// How many secrets of each kind were masked. Adds up over calls; a value.
class MaskCounts {
 public:
  void add(SecretKind kind) { ++counts_[static_cast<std::size_t>(kind)]; }
  void add(const MaskCounts& other);
  std::uint64_t of(SecretKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  std::uint64_t total() const;
  // "github_token=2, jwt=1", by kind; empty when nothing was masked.
  std::string text() const;

  bool operator==(const MaskCounts&) const = default;

 private:
  std::array<std::uint64_t, kSecretKinds> counts_{};
};

}  // namespace agdb

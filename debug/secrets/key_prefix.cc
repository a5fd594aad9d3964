#include "debug/secrets/key_prefix.h"

#include <algorithm>
#include <array>
#include <span>

#include "debug/secrets/byte_class.h"

namespace agdb {
namespace {

using namespace byte_class;
using enum SecretKind;

// By their first byte; of two that begin alike the longer comes first.
constexpr auto kPrefixes = std::to_array<KeyPrefix>({
    {"sk-ant-", kAnthropicKey, kBase64Url, 20},
    {"sk-proj-", kOpenAiKey, kBase64Url, 20},
    {"sk-svcacct-", kOpenAiKey, kBase64Url, 20},
    {"sk-admin-", kOpenAiKey, kBase64Url, 20},
    {"sk-or-v1-", kVendorKey, kAlnum, 32},
    {"sk-lf-", kVendorKey, kBase64Url, 20},
    {"sk-", kOpenAiKey, kAlnum, 20},
    {"sk_live_", kStripeKey, kAlnum, 16},
    {"sk_test_", kStripeKey, kAlnum, 16},
    {"shpat_", kVendorKey, kHex, 32, 32},
    {"shpss_", kVendorKey, kHex, 32, 32},
    {"sbp_", kVendorKey, kHex, 40, 40},
    {"sq0atp-", kVendorKey, kBase64Url, 22},
    {"sq0csp-", kVendorKey, kBase64Url, 43},
    {"secret_", kVendorKey, kAlnum, 43, 43},
    {"rk_live_", kStripeKey, kAlnum, 16},
    {"rk_test_", kStripeKey, kAlnum, 16},
    {"rubygems_", kVendorKey, kHex, 48, 48},
    {"r8_", kVendorKey, kAlnum, 37, 37},
    {"whsec_", kStripeKey, kBase64, 24},
    {"AKIA", kAwsKeyId, kUpper | kDigit, 16, 16},
    {"ASIA", kAwsKeyId, kUpper | kDigit, 16, 16},
    {"ABIA", kAwsKeyId, kUpper | kDigit, 16, 16},
    {"ACCA", kAwsKeyId, kUpper | kDigit, 16, 16},
    {"AIza", kGoogleKey, kBase64Url, 35, 35},
    {"ATATT3", kVendorKey, kBase64Url | kBase64Sign, 50},
    {"AGE-SECRET-KEY-1", kVendorKey, kUpper | kDigit, 58, 58},
    {"ghp_", kGithubToken, kAlnum, 36},
    {"gho_", kGithubToken, kAlnum, 36},
    {"ghu_", kGithubToken, kAlnum, 36},
    {"ghs_", kGithubToken, kAlnum, 36},
    {"ghr_", kGithubToken, kAlnum, 36},
    {"github_pat_", kGithubToken, kWord, 36},
    {"glpat-", kGitlabToken, kBase64Url | kDotTilde, 20},
    {"gldt-", kGitlabToken, kBase64Url, 20},
    {"glrt-", kGitlabToken, kBase64Url | kDotTilde, 20},
    {"glptt-", kGitlabToken, kBase64Url, 20},
    {"glft-", kGitlabToken, kBase64Url, 20},
    {"glsoat-", kGitlabToken, kBase64Url, 20},
    {"glcbt-", kGitlabToken, kBase64Url, 20},
    {"glagent-", kGitlabToken, kBase64Url, 40},
    {"glc_", kVendorKey, kBase64, 32},
    {"glsa_", kVendorKey, kWord, 32},
    {"gsk_", kVendorKey, kAlnum, 40},
    {"GOCSPX-", kGoogleKey, kBase64Url, 28, 28},
    {"xoxa-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxb-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxe.xoxp-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxe.xoxb-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxe-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxp-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxr-", kSlackToken, kAlnum | kHyphen, 16},
    {"xoxs-", kSlackToken, kAlnum | kHyphen, 16},
    {"xapp-", kSlackToken, kAlnum | kHyphen, 16},
    {"xai-", kVendorKey, kAlnum, 40},
    {"ya29.", kGoogleKey, kBase64Url, 20},
    {"SG.", kSendgridKey, kBase64Url | kDotTilde, 60, 80},
    {"npm_", kNpmToken, kAlnum, 36, 36},
    {"ntn_", kVendorKey, kAlnum, 40},
    {"nvapi-", kVendorKey, kBase64Url, 40},
    {"pypi-AgE", kPypiToken, kBase64Url, 50},
    {"pplx-", kVendorKey, kAlnum, 40},
    {"pcsk_", kVendorKey, kWord, 40},
    {"hf_", kHuggingFaceToken, kAlnum, 30, 50},
    {"hvs.", kVendorKey, kBase64Url, 24},
    {"hvb.", kVendorKey, kBase64Url, 24},
    {"lsv2_pt_", kVendorKey, kWord, 32},
    {"lsv2_sk_", kVendorKey, kWord, 32},
    {"lin_api_", kVendorKey, kAlnum, 32},
    {"tvly-", kVendorKey, kAlnum | kHyphen, 20},
    {"tskey-", kVendorKey, kAlnum | kHyphen, 20},
    {"dop_v1_", kVendorKey, kHex, 64, 64},
    {"dckr_pat_", kVendorKey, kBase64Url, 24},
    {"dapi", kVendorKey, kHex, 32, 32},
    {"figd_", kVendorKey, kBase64Url, 32},
});

// Prefixes that begin with the same byte stand together: where those of each byte do.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

consteval std::array<Range, 256> make_ranges() {
  std::array<Range, 256> ranges{};
  for (std::size_t i = 0; i < kPrefixes.size(); ++i) {
    Range& range = ranges[static_cast<unsigned char>(kPrefixes[i].prefix[0])];
    if (range.end == 0) range.begin = i;
    if (range.end != 0 && range.end != i) throw "prefixes of one first byte stand apart";
    range.end = i + 1;
  }
  return ranges;
}
constexpr std::array<Range, 256> kRanges = make_ranges();

std::span<const KeyPrefix> prefixes_from(char first) {
  const Range range = kRanges[static_cast<unsigned char>(first)];
  return std::span(kPrefixes).subspan(range.begin, range.end - range.begin);
}

// What is looked at of a run that may be of any length.
constexpr std::size_t kEnough = 256;
constexpr std::size_t kShortestPart = 8;  // of a JWT

constexpr std::size_t pair_of(char a, char b) {
  return std::size_t{static_cast<unsigned char>(a)} << 8 | static_cast<unsigned char>(b);
}

consteval std::array<std::uint64_t, 1024> make_pairs() {
  std::array<std::uint64_t, 1024> bits{};
  const auto set = [&bits](char a, char b) {
    bits[pair_of(a, b) / 64] |= std::uint64_t{1} << (pair_of(a, b) % 64);
  };
  for (const KeyPrefix& key : kPrefixes) set(key.prefix[0], key.prefix[1]);
  set('e', 'y');
  for (const char b : {'b', 'B'}) {
    for (const char e : {'e', 'E'}) set(b, e);
  }
  set('-', '-');
  for (const char sign : {':', '=', '>'}) {
    for (int next = 0; next < 256; ++next) set(sign, static_cast<char>(next));
  }
  return bits;
}
constexpr std::array<std::uint64_t, 1024> kPairs = make_pairs();

bool fits(const KeyPrefix& key, std::string_view token, bool followed) {
  if (token.size() < key.at_least) return false;
  if (key.at_most != 0 && (token.size() > key.at_most || followed)) return false;
  // Three changes: a word that has a year in it has two.
  return looks_random(token, token.size() < 40 ? 2 : 3);
}

}  // namespace

std::size_t next_candidate(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i + 1 < text.size(); ++i) {
    const std::size_t pair = pair_of(text[i], text[i + 1]);
    if ((kPairs[pair / 64] >> (pair % 64) & 1) != 0) return i;
  }
  return std::string_view::npos;
}

bool looks_random(std::string_view token, int changes) {
  int seen = 0;
  for (std::size_t i = 1; i < std::min(token.size(), kEnough) && seen < changes; ++i)
    seen += (is(token[i - 1], kLetter) && is(token[i], kDigit)) ||
            (is(token[i - 1], kDigit) && is(token[i], kLetter));
  return seen >= changes;
}

std::optional<FoundSecret> find_key(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  for (const KeyPrefix& key : prefixes_from(rest[0])) {
    if (!rest.starts_with(key.prefix)) continue;
    const std::size_t begin = at + key.prefix.size();
    // The whole of it goes, once its beginning has shown what it is.
    std::size_t end = run_end(text, begin, key.alphabet, kEnough);
    const bool followed = end < text.size() && is(text[end], kAlnum);
    if (!fits(key, text.substr(begin, end - begin), followed)) continue;
    end = run_end(text, end, key.alphabet);
    while (text[end - 1] == '.') --end;
    return FoundSecret{at, end, key.kind};
  }
  return std::nullopt;
}

std::optional<FoundSecret> find_jwt(std::string_view text, std::size_t at) {
  if (!text.substr(at).starts_with("eyJ")) return std::nullopt;
  std::size_t end = at;
  for (int part = 0; part < 3; ++part) {
    const std::size_t begin = part == 0 ? at : end + 1;
    if (part > 0 && (end >= text.size() || text[end] != '.')) return std::nullopt;
    end = run_end(text, begin, kBase64Url);
    if (end - begin < kShortestPart) return std::nullopt;
  }
  // An encrypted one has five parts.
  while (end + 1 < text.size() && text[end] == '.' && is(text[end + 1], kBase64Url))
    end = run_end(text, end + 1, kBase64Url);
  return FoundSecret{at, end, kJwt};
}

}  // namespace agdb

#include "debug/secrets/secret_name.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "debug/secrets/byte_class.h"
#include "debug/secrets/key_prefix.h"

namespace agdb {
namespace {

using namespace byte_class;

struct NameEnd {
  std::string_view end;
  SecretKind kind{};
};

// What names end in, without "_" and "-" and in small letters. The first that fits counts.
constexpr auto kNameEnds = std::to_array<NameEnd>({
    {"password", SecretKind::kPassword},
    {"passwd", SecretKind::kPassword},
    {"passphrase", SecretKind::kPassword},
    {"pwd", SecretKind::kPassword},
    {"dbpass", SecretKind::kPassword},
    {"userpass", SecretKind::kPassword},
    {"awssecretaccesskey", SecretKind::kAwsSecret},
    {"secretaccesskey", SecretKind::kAwsSecret},
    {"awssessiontoken", SecretKind::kAwsSecret},
    {"awssecretkey", SecretKind::kAwsSecret},
    {"apikey", SecretKind::kApiKey},
    {"accesskey", SecretKind::kApiKey},
    {"accountkey", SecretKind::kApiKey},
    {"authkey", SecretKind::kApiKey},
    {"secretkey", SecretKind::kSecret},
    {"secretkeybase", SecretKind::kSecret},
    {"privatekey", SecretKind::kSecret},
    {"encryptionkey", SecretKind::kSecret},
    {"signingkey", SecretKind::kSecret},
    {"masterkey", SecretKind::kSecret},
    {"secret", SecretKind::kSecret},
    {"credential", SecretKind::kSecret},
    {"credentials", SecretKind::kSecret},
    {"authorization", SecretKind::kAuthorization},
    {"token", SecretKind::kToken},
});
// Tokens that lead through lists.
constexpr auto kHarmless =
    std::to_array<std::string_view>({"next", "page", "continu", "cursor", "sync", "stop"});
constexpr auto kIds = std::to_array<std::string_view>(
    {"toolu_", "srvtoolu_", "call_", "msg_", "req_", "chatcmpl-", "run_", "resp_", "thread_",
     "asst_", "file-", "batch_", "fc_", "rs_", "[masked:"});

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLooked = 128;  // of a value

class PlainName {
 public:
  explicit PlainName(std::string_view name) {
    if (name.size() > kLongestName) name.remove_prefix(name.size() - kLongestName);
    for (const char c : name) {
      if (c != '_' && c != '-') text_[size_++] = lower(c);
    }
  }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, kLongestName> text_;
  std::size_t size_ = 0;
};

struct Looks {
  std::size_t letters = 0;
  std::size_t digits = 0;
  std::size_t uppers = 0;
  std::size_t hex = 0;
  std::size_t signs = 0;       // neither letter nor digit
  std::size_t separators = 0;  // of those: _ - .
  std::size_t distinct = 0;
  bool spaces = false;
};

Looks looks_of(std::string_view value) {
  Looks looks;
  std::bitset<256> seen;
  for (const char c : value) {
    looks.letters += is(c, kLetter);
    looks.uppers += is(c, kUpper);
    looks.digits += is(c, kDigit);
    looks.hex += is(c, kHex);
    looks.signs += !is(c, kAlnum);
    looks.separators += c == '_' || c == '-' || c == '.';
    looks.spaces |= static_cast<unsigned char>(c) <= ' ';
    seen.set(static_cast<unsigned char>(c));
  }
  looks.distinct = seen.count();
  return looks;
}

bool is_placeholder(std::string_view value) {
  if (std::string_view("${<%[(*").contains(value.front())) return true;
  return std::ranges::any_of(kIds, [value](std::string_view id) { return value.starts_with(id); });
}

bool is_password(const Looks& looks, std::size_t size, bool quoted) {
  if (looks.distinct < 4 || size < 6) return false;
  if (looks.digits > 0 && (looks.letters > 0 || quoted)) return true;
  return size >= 8 && looks.letters > 0 && looks.signs > looks.separators;
}

// Hashes, uuids, span and trace ids: hexadecimal digits, perhaps parted by "-".
bool is_hex(const Looks& looks, std::size_t size) {
  return looks.hex + looks.separators == size;
}

}  // namespace

std::optional<SecretKind> secret_named(std::string_view name) {
  if (name.size() < 3 || !may_end_secret_name(name.back())) return std::nullopt;
  const PlainName plain(name);
  const std::string_view text = plain.view();
  const auto* found = std::ranges::find_if(kNameEnds, [text](const NameEnd& each) {
    return text.back() == each.end.back() && text.ends_with(each.end);
  });
  if (found == kNameEnds.end()) return std::nullopt;
  const auto within = [text](std::string_view word) { return text.contains(word); };
  if (found->kind == SecretKind::kToken && std::ranges::any_of(kHarmless, within))
    return std::nullopt;
  return found->kind;
}

bool is_secret_value(SecretKind kind, std::string_view value, bool quoted) {
  const std::string_view head = value.substr(0, kLooked);
  if (value.empty() || is_placeholder(value) || head.contains("[masked:")) return false;
  const std::size_t size = value.size();
  const Looks looks = looks_of(head);
  if (looks.spaces) return false;
  if (kind == SecretKind::kPassword) return is_password(looks, size, quoted);
  if (kind == SecretKind::kAuthorization)
    return size >= 8 && looks.distinct >= 5 &&
           (looks.digits > 0 || (looks.uppers > 0 && looks.uppers < looks.letters));
  if (size < 12 || looks.distinct < 6 || looks.letters == 0) return false;
  if (is_hex(looks, head.size()) && (kind == SecretKind::kToken || looks.separators > 0))
    return false;
  return looks_random(head, 2);
}

bool holds_base64(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"signature", "thoughtsignature", "data", "encryptedcontent", "encryptedindex", "b64json"});
  if (name.size() < 4 || name.size() > kLongestName) return false;
  // Nearly every other name begins with another letter.
  if (!std::string_view("stdeb_-").contains(lower(name.front()))) return false;
  const PlainName plain(name);
  return std::ranges::find(kNames, plain.view()) != kNames.end();
}

}  // namespace agdb

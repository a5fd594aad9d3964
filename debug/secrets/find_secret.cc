#include "debug/secrets/find_secret.h"

#include <algorithm>

#include "debug/secrets/byte_class.h"
#include "debug/secrets/private_key.h"
#include "debug/secrets/secret_name.h"

namespace agdb {
namespace {

using namespace byte_class;

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestGap = 16;        // between a name and its sign, a sign and its value
constexpr std::size_t kLongestValue = 4096;    // in quotes
constexpr std::size_t kLongestUserInfo = 512;  // of a URL
constexpr std::size_t kShortestBearer = 16;

constexpr bool is_sign(char c) {
  return c == ':' || c == '=' || c == '>';
}

bool is_any(char c, std::string_view of) {
  return of.contains(c);
}

std::size_t skip(std::string_view text, std::size_t at, std::string_view chars) {
  const std::size_t stop = std::min(text.size(), at + kLongestGap);
  while (at < stop && is_any(text[at], chars)) ++at;
  return at;
}

// Where a value that stands in `quote`s ends: at the quote, escaped or not, or at the line's end.
std::size_t end_of_quoted(std::string_view text, std::size_t at, char quote) {
  const std::size_t stop = std::min(text.size(), at + kLongestValue);
  while (at < stop && text[at] != quote && text[at] != '\n') ++at;
  return at;
}

}  // namespace

std::optional<FoundSecret> SecretFinder::next() {
  for (std::size_t i = done_; (i = next_candidate(text_, i)) != std::string_view::npos; ++i) {
    if (std::optional<FoundSecret> found = at(i)) {
      done_ = floor_ = found->end;
      return found;
    }
  }
  done_ = text_.size();
  return std::nullopt;
}

std::optional<FoundSecret> SecretFinder::at(std::size_t at) {
  if (is_sign(text_[at])) return at_sign(at);
  if (text_[at] == '-') return at_hyphen(at);
  return may_begin_token(at) ? at_token(at) : std::nullopt;
}

bool SecretFinder::may_begin_token(std::size_t at) const {
  if (at == floor_) return true;
  const char before = text_[at - 1];
  if (is(before, kUnderscore | kHyphen) || before == '+' || before == '/') return false;
  if (!is(before, kAlnum)) return true;
  const std::string_view past = text_.substr(floor_, at - floor_);
  // A line's end that is escaped, "\n"; an escaped quote, "\u0022"; of a URL, "%3D"; a colour's
  // end.
  if (past.size() >= 2 && is_any(before, "nrt") && past[past.size() - 2] == '\\') return true;
  if (past.size() >= 3 && is(before, kHex) && past[past.size() - 3] == '%') return true;
  if (past.size() >= 6 && past.substr(past.size() - 6).starts_with("\\u00")) return true;
  if (before != 'm') return false;
  const std::size_t bracket = past.substr(0, past.size() - 1).find_last_not_of("0123456789;");
  return bracket != std::string_view::npos && past[bracket] == '[' && past.size() - bracket < 12;
}

std::optional<FoundSecret> SecretFinder::at_token(std::size_t at) {
  if (lower(text_[at]) == 'b') return at_bearer(at);
  if (text_[at] == 'e') return find_jwt(text_, at);
  return find_key(text_, at);
}

std::optional<FoundSecret> SecretFinder::at_bearer(std::size_t at) {
  constexpr std::string_view kBearer = "bearer";
  if (!has_word(text_, at, kBearer)) return std::nullopt;
  const std::size_t blank = at + kBearer.size();
  const std::size_t begin = skip(text_, blank, " \t");
  if (begin == blank || begin == text_.size()) return std::nullopt;
  if (find_jwt(text_, begin) || find_key(text_, begin)) return std::nullopt;
  const std::size_t end = run_end(text_, begin, kCredential);
  const std::string_view token = text_.substr(begin, end - begin);
  if (token.size() < kShortestBearer || !looks_random(token, 2)) return std::nullopt;
  return FoundSecret{begin, end, SecretKind::kAuthorization};
}

// Where a value without quotes ends.
std::size_t SecretFinder::end_of_word(std::size_t at) {
  if (at >= word_begin_ && at < word_end_) return word_end_;
  word_begin_ = word_end_ = at;
  while (word_end_ < text_.size() && !is(text_[word_end_], kWordEnd)) ++word_end_;
  return word_end_;
}

std::string_view SecretFinder::name_before(std::size_t at) const {
  std::size_t end = at;
  const std::size_t nearest = std::max(floor_, at > kLongestGap ? at - kLongestGap : 0);
  while (end > nearest && is(text_[end - 1], kGap)) --end;
  if (end == nearest || !may_end_secret_name(text_[end - 1])) return {};
  std::size_t begin = end;
  const std::size_t stop = std::max(floor_, end > kLongestName ? end - kLongestName : 0);
  while (begin > stop && is(text_[begin - 1], kBase64Url)) --begin;
  // What stands there was masked before.
  if (text_.substr(0, begin).ends_with("[masked:")) return {};
  return text_.substr(begin, end - begin);
}

std::optional<FoundSecret> SecretFinder::at_sign(std::size_t at) {
  if (text_.substr(at).starts_with("://")) return at_url(at);
  const std::string_view name = name_before(at);
  if (name.empty()) return std::nullopt;
  const std::optional<SecretKind> kind = secret_named(name);
  if (!kind) return std::nullopt;
  return value_at(skip(text_, at, ":=>"), *kind);
}

std::optional<FoundSecret> SecretFinder::at_hyphen(std::size_t at) {
  if (at > floor_ && is(text_[at - 1], kBase64Url)) return std::nullopt;
  if (std::optional<FoundSecret> key = find_private_key(text_, at)) return key;
  const std::size_t begin = at + 2;
  const std::size_t end = run_end(text_, begin, kAlnum | kHyphen, kLongestName);
  if (end == text_.size() || text_[end] != ' ') return std::nullopt;
  const std::optional<SecretKind> kind = secret_named(text_.substr(begin, end - begin));
  return kind ? value_at(end, *kind) : std::nullopt;
}

std::optional<FoundSecret> SecretFinder::value_at(std::size_t at, SecretKind kind) {
  std::size_t begin = skip(text_, at, " \t\\");
  // b"…", f'…'
  if (begin + 1 < text_.size() && is(text_[begin], kLower) && is_any(text_[begin + 1], "\"'"))
    ++begin;
  const char quote = begin < text_.size() && is_any(text_[begin], "\"'`") ? text_[begin] : '\0';
  // CSV doubles quotes, Python has three of them.
  if (quote != '\0') begin = skip(text_, begin, std::string_view(&quote, 1));
  if (begin >= text_.size()) return std::nullopt;
  if (kind == SecretKind::kAuthorization) return credential_at(begin);
  std::size_t end = quote != '\0' ? end_of_quoted(text_, begin, quote) : end_of_word(begin);
  if (quote == '\0' && end < text_.size()) {
    if (is_any(text_[end], "([")) return std::nullopt;  // a call, an element
    // With a type: api_key: str = "…"
    const std::size_t equals = skip(text_, end, " ");
    if (text_[at - 1] == ':' && text_.substr(equals).starts_with("= "))
      return value_at(equals + 1, kind);
  }
  while (end > begin && text_[end - 1] == '\\') --end;
  // What its own look tells is found there, as what it is.
  if (find_key(text_, begin) || find_jwt(text_, begin)) return std::nullopt;
  if (!is_secret_value(kind, text_.substr(begin, end - begin), quote != '\0')) return std::nullopt;
  return FoundSecret{begin, end, kind};
}

std::optional<FoundSecret> SecretFinder::credential_at(std::size_t at) {
  const std::size_t scheme = run_end(text_, at, kAlnum | kHyphen, kLongestName);
  const std::size_t behind = skip(text_, scheme, " \t");
  const std::size_t begin = behind > scheme ? behind : at;
  if (begin >= text_.size() || find_key(text_, begin) || find_jwt(text_, begin))
    return std::nullopt;
  const std::size_t end = end_of_word(begin);
  if (end < text_.size() && is_any(text_[end], "([")) return std::nullopt;
  if (!is_secret_value(SecretKind::kAuthorization, text_.substr(begin, end - begin), true))
    return std::nullopt;
  return FoundSecret{begin, end, SecretKind::kAuthorization};
}

std::optional<FoundSecret> SecretFinder::at_url(std::size_t at) {
  const std::size_t user = at + 3;
  const std::size_t stop = std::min(text_.size(), user + kLongestUserInfo);
  std::size_t colon = 0;
  std::size_t sign = 0;
  for (std::size_t i = user; i < stop; ++i) {
    const char c = text_[i];
    if (static_cast<unsigned char>(c) <= ' ' || is_any(c, "/?#\"'`<>\\,()")) break;
    if (c == ':' && colon == 0) colon = i;
    if (c == '@') sign = i;
  }
  if (colon == 0 || sign <= colon + 1 || sign + 1 >= text_.size()) return std::nullopt;
  if (is_any(text_[colon + 1], "${<%[*") || !is(text_[sign + 1], kAlnum)) return std::nullopt;
  return FoundSecret{colon + 1, sign, SecretKind::kUrlPassword};
}

}  // namespace agdb

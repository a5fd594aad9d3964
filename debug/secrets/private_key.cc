#include "debug/secrets/private_key.h"

#include <algorithm>

#include "debug/secrets/byte_class.h"

namespace agdb {
namespace {

using namespace byte_class;

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLongestLabel = 64;
// Shorter words may be a sentence's; the last line of a key may be as short as it likes.
constexpr std::size_t kLineOfKey = 16;
constexpr std::size_t kLongestHeader = 256;
constexpr int kMostHeaders = 8;

// The end of "-----BEGIN … PRIVATE KEY-----", with the five dashes.
std::optional<std::size_t> end_of_begin(std::string_view text, std::size_t at) {
  if (!text.substr(at).starts_with(kBegin)) return std::nullopt;
  std::size_t end = at + kBegin.size();
  const std::size_t stop = std::min(text.size(), end + kLongestLabel);
  while (end < stop && (is(text[end], kUpper | kDigit) || text[end] == ' ')) ++end;
  const std::string_view label = text.substr(at, end - at);
  if (label.find("PRIVATE KEY") == std::string_view::npos) return std::nullopt;
  if (!text.substr(end).starts_with(kDashes)) return std::nullopt;
  return end + kDashes.size();
}

bool parts_lines(char c) {
  return std::string_view(" \t\r\n\\\"'`+,|>$*#;").contains(c);
}

// Behind what parts the lines of a key: white space, its escapes, quotes, line numbers.
std::size_t skip_between(std::string_view text, std::size_t at) {
  for (;;) {
    if (at < text.size() && text[at] == '\\' && at + 1 < text.size() &&
        std::string_view("nrt").contains(text[at + 1])) {
      at += 2;
      continue;
    }
    if (at < text.size() && parts_lines(text[at])) {
      ++at;
      continue;
    }
    constexpr std::string_view kArrow = "\xE2\x86\x92";  // "12→", a line's number
    if (text.substr(at).starts_with(kArrow)) {
      at += kArrow.size();
      continue;
    }
    const std::size_t digits = run_end(text, at, kDigit, 8);
    const bool number = digits > at && (digits == text.size() || parts_lines(text[digits]) ||
                                        text.substr(digits).starts_with(kArrow));
    if (!number) return at;
    at = digits;
  }
}

// "Proc-Type: 4,ENCRYPTED" and the like, at most a few lines.
std::size_t skip_headers(std::string_view text, std::size_t at) {
  for (int i = 0; i < kMostHeaders; ++i) {
    const std::size_t begin = skip_between(text, at);
    const std::size_t name = run_end(text, begin, kLetter | kHyphen, 32);
    if (name == begin || !text.substr(name).starts_with(": ")) return at;
    const std::string_view line = text.substr(name, kLongestHeader);
    at = name + std::min(line.find_first_of("\n\\"), line.size());
  }
  return at;
}

}  // namespace

std::optional<FoundSecret> find_private_key(std::string_view text, std::size_t at) {
  const std::optional<std::size_t> head = end_of_begin(text, at);
  if (!head) return std::nullopt;
  std::size_t end = skip_headers(text, *head);
  std::size_t key_bytes = 0;
  for (;;) {
    const std::size_t begin = skip_between(text, end);
    const std::size_t stop = run_end(text, begin, kBase64);
    const std::size_t size = stop - begin;
    if (size == 0 && text.substr(begin).starts_with(kEnd)) {
      const std::string_view label = text.substr(begin + kEnd.size(), kLongestLabel);
      const std::size_t dashes = label.find(kDashes);
      end = begin + kEnd.size();
      if (dashes != std::string_view::npos) end += dashes + kDashes.size();
      break;
    }
    const bool last_line = stop == text.size() || text.substr(stop).starts_with(kEnd) ||
                           text.substr(skip_between(text, stop)).starts_with(kEnd) ||
                           (size > 0 && (text[stop - 1] == '=' || text[begin] == '='));
    if (size == 0 || (size < kLineOfKey && !last_line)) break;
    if (size >= kLineOfKey) key_bytes += size;
    end = stop;
  }
  if (key_bytes == 0) return std::nullopt;
  return FoundSecret{at, end, SecretKind::kPrivateKey};
}

}  // namespace agdb

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agdb {

bool is_utf8(std::string_view text);
// The text with U+FFFD for each maximal bad sequence (as the Unicode standard recommends). `bad` is
// raised by the number of bytes replaced.
std::string to_utf8(std::string_view text, std::uint64_t* bad = nullptr);

// The length in bytes of the character that begins at `at`; 1 for a byte that begins none.
// REQUIRES: at < text.size().
std::size_t character_length(std::string_view text, std::size_t at);
// Code points in the text; each bad byte counts as one.
std::size_t count_characters(std::string_view text);
// The longest prefix of at most `max_bytes` bytes that does not split a character.
std::string_view prefix_of_bytes(std::string_view text, std::size_t max_bytes);
// The prefix of at most `max_characters` code points.
std::string_view prefix_of_characters(std::string_view text, std::size_t max_characters);
// By code points: the text itself, or when longer its first `max_characters` and "...".
std::string truncate(std::string_view text, std::size_t max_characters);

std::string to_base64(std::string_view bytes);
// Nothing when the text is not base64 (RFC 4648, with padding).
std::optional<std::string> from_base64(std::string_view text);

std::string to_lower_ascii(std::string_view text);

}  // namespace agdb

#include "debug/import/claude_code_content.h"

#include <fmt/format.h>

#include <utility>

#include "runtime/events/hash.h"

namespace agdb {
namespace {

// Bytes that base64 text stands for.
std::size_t decoded_size(std::string_view base64) {
  while (base64.ends_with('=')) base64.remove_suffix(1);
  return base64.size() / 4 * 3 + base64.size() % 4 * 3 / 4;
}

std::string_view or_else(std::string_view text, std::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

// "[image image/png, 1234 bytes]", "[image https://…]"
std::string media_placeholder(std::string_view type, const Json& source) {
  const std::string_view kind = source.text("type");
  if (kind == "url") return fmt::format("[{} {}]", type, source.text("url"));
  const std::string_view media = or_else(source.text("media_type"), "of unknown type");
  return fmt::format("[{} {}, {} bytes]", type, media, decoded_size(source.text("data")));
}

// What the model reads of a block. Nothing is lost of text, all else is counted.
std::string block_text(const Json& block, ImportTally& tally) {
  if (block.is_string()) return block.string();
  const std::string_view type = or_else(block.text("type"), "untyped");
  if (type == "text") return std::string(block.text("text"));
  const Json& source = block["source"];
  if (type == "document" && source.text("type") == "text") return std::string(source.text("data"));
  tally.not_understood(fmt::format("{} block", type));
  if (type == "image" || type == "document") return media_placeholder(type, source);
  if (type == "tool_reference") return fmt::format("[tool_reference {}]", block.text("tool_name"));
  return fmt::format("[{} block]", type);
}

void append_line(std::string& text, std::string_view line, bool is_first) {
  if (!is_first) text += '\n';
  text += line;
}

void add_text(std::string_view text, SessionAnswer& answer) {
  std::string& content = answer.response.content;
  append_line(content, text, content.empty());
}

void add_block(const Json& block, SessionAnswer& answer, ImportTally& tally) {
  const std::string_view type = or_else(block.text("type"), "untyped");
  if (block.is_string()) {
    add_text(block.string(), answer);
  } else if (type == "text") {
    add_text(block.text("text"), answer);
  } else if (type == "thinking") {
    answer.thinking.push_back(
        {std::string(block.text("thinking")), std::string(block.text("signature"))});
  } else if (type == "redacted_thinking") {
    answer.thinking.push_back({"", std::string(block.text("data"))});
  } else if (type == "tool_use") {
    answer.response.tool_calls.push_back(
        {std::string(block.text("id")), std::string(block.text("name")), block["input"]});
  } else {
    tally.not_understood(fmt::format("{} block", type));
  }
}

}  // namespace

std::vector<ClaudeUserPart> read_claude_user_content(const Json& content, ImportTally& tally) {
  std::vector<ClaudeUserPart> parts;
  if (content.is_string()) {
    parts.push_back({.text = content.string()});
    return parts;
  }
  if (!content.is_array()) return parts;
  for (const Json& block : content.items()) {
    if (block.text("type") == "tool_result") {
      parts.push_back({.is_result = true,
                       .text = read_claude_text(block["content"], tally),
                       .call_id = std::string(block.text("tool_use_id")),
                       .is_error = block.boolean("is_error")});
      continue;
    }
    const bool is_first = parts.empty() || parts.back().is_result;
    if (is_first) parts.emplace_back();
    append_line(parts.back().text, block_text(block, tally), is_first);
  }
  return parts;
}

std::string read_claude_text(const Json& content, ImportTally& tally) {
  if (content.is_null()) return "";
  if (!content.is_array()) return block_text(content, tally);
  std::string text;
  bool is_first = true;
  for (const Json& block : content.items()) {
    append_line(text, block_text(block, tally), is_first);
    is_first = false;
  }
  return text;
}

std::size_t ClaudeAnswerContent::add(const Json& content, SessionAnswer& answer,
                                     ImportTally& tally) {
  if (content.is_string()) return add(Json(Json::Array{content}), answer, tally);
  if (!content.is_array()) return 0;
  std::size_t added = 0;
  std::vector<std::string> hashes;
  for (const Json& block : content.items()) {
    hashes.push_back(xxh3_128(dump(block)).hex());
    if (seen_.contains(hashes.back())) continue;
    add_block(block, answer, tally);
    ++added;
  }
  seen_.insert(hashes.begin(), hashes.end());
  return added;
}

}  // namespace agdb

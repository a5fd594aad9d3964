#include "runtime/events/base64_sibling.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "runtime/events/text.h"

namespace agdb {
namespace {

bool may_be_sibling(const Json::Member& member) {
  return member.value.is_string() && member.key.ends_with(kBase64Suffix);
}

}  // namespace

std::optional<std::string> bytes_behind(std::string_view text, std::string_view base64) {
  std::optional<std::string> bytes = from_base64(base64);
  if (!bytes || is_utf8(*bytes) || to_utf8(*bytes) != text) return std::nullopt;
  return bytes;
}

void restore_siblings(Json::Object& members) {
  if (std::none_of(members.begin(), members.end(), may_be_sibling)) return;
  std::unordered_map<std::string_view, Json*> texts;  // without a sibling so far
  std::vector<bool> is_spent(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    Json::Member& member = members[i];
    if (!member.value.is_string()) continue;
    if (may_be_sibling(member)) {
      const std::string_view key = member.key;
      const auto text = texts.find(key.substr(0, key.size() - kBase64Suffix.size()));
      auto bytes = text == texts.end()
                       ? std::nullopt
                       : bytes_behind(text->second->string(), member.value.string());
      if (bytes) {
        *text->second = *std::move(bytes);
        texts.erase(text);
        is_spent[i] = true;
        continue;
      }
    }
    texts[member.key] = &member.value;
  }
  std::size_t index = 0;
  std::erase_if(members, [&](const Json::Member&) { return is_spent[index++]; });
}

}  // namespace agdb

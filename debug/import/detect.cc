#include <string_view>

#include "debug/import/chat_message.h"
#include "debug/import/foreign_span.h"
#include "debug/import/importers.h"
#include "debug/import/json_documents.h"

namespace agdb {
namespace {

// A file whose first so many documents fit no format has none.
constexpr std::uint64_t kDocumentsLookedAt = 100;

bool is_list_of_messages(const Json& list) {
  return list.is_array() && !list.empty() && is_chat_message(list.items().front());
}

// A line of a session file names the session or its own id beside its type.
bool is_claude_code(const Json& line) {
  if (!line["type"].is_string()) return false;
  for (const std::string_view key : {"sessionId", "session_id", "uuid", "leafUuid", "messageId"})
    if (line[key].is_string()) return true;
  return false;
}

bool is_openai_chat_object(const Json& object) {
  if (is_chat_message(object)) return true;
  for (const std::string_view key : {"messages", "traj", "conversations", "conversation"})
    if (is_list_of_messages(object[key])) return true;
  if (object["choices"].is_array() || object["response"]["choices"].is_array()) return true;
  if (is_list_of_messages(object["request"]["messages"])) return true;
  if (is_list_of_messages(object["body"]["messages"])) return true;
  const Json& simulations = object["simulations"];
  if (!simulations.is_array()) return false;
  return simulations.empty() || simulations.items().front()["messages"].is_array();
}

std::string_view format_of(const Json& document) {
  if (is_claude_code(document)) return "claude-code";
  const bool list = document.is_array() && !document.empty();
  const Json& sample = list ? document.items().front() : document;
  if (is_openai_chat_object(sample) || is_list_of_messages(sample)) return "openai-chat";
  return holds_foreign_spans(document) ? "otlp" : std::string_view();
}

}  // namespace

std::string_view detect_session_format(std::string_view text) {
  std::string_view format;
  std::uint64_t looked_at = 0;
  read_json_documents(text, nullptr, [&](Json&& document, std::uint64_t) {
    format = format_of(document);
    return format.empty() && ++looked_at < kDocumentsLookedAt;
  });
  return format;
}

}  // namespace agdb

#include "debug/replay/context_json.h"

namespace agdb {

Json context_json(const RestoredContext& context) {
  Json messages = Json::array();
  for (const Message& message : context.messages) messages.push_back(to_json(message));
  return Json::object({{"ctx_id", raw(context.ctx_id)},
                       {"snapshot", raw(context.snapshot)},
                       {"tokens", context.tokens},
                       {"hash", context.hash},
                       {"system_prompt", context.system_prompt},
                       {"messages", std::move(messages)}});
}

Result<Json> event_and_context_json(const Recording& recording, SeqNum seq) {
  const Result<RestoredContext> context = recording.context_at(seq);
  if (!context && context.error().code != Code::kNotFound) return std::unexpected(context.error());
  std::string line;
  AGDB_TRY([[maybe_unused]] const EventEntry entry, recording.fetch(seq, line));
  AGDB_TRY(Json parsed, parse_json(line));
  Json json = Json::object({{"event", std::move(parsed)}});
  json.set("context", context ? context_json(*context) : Json());
  return json;
}

}  // namespace agdb

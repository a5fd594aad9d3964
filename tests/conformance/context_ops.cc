#include <span>
#include <string>
#include <utility>
#include <vector>

#include "debug/context/growth.h"
#include "debug/context/profile.h"
#include "tests/conformance/input.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Result<Growth> growth_of(const Json& in) {
  GrowthInput input{.pid = Pid{in["pid"].to_uint().value_or(0)},
                    .tokens_used = in.integer("tokens_used"),
                    .context_budget = in.integer("context_budget"),
                    .current_step = in.integer("current_step"),
                    .max_steps = in.integer("max_steps"),
                    .history = {}};
  const Json& history = in["history"];
  for (std::size_t i = 0; i < history.size() && history.is_array(); ++i) {
    const Json& entry = history.items()[i];
    if (!entry.is_array() || entry.size() != 3) {
      return fail(Code::kInvalid, "history: expected lists [step, tokens, ms]");
    }
    const auto number = [&](std::size_t at) { return entry.items()[at].to_int().value_or(0); };
    input.history.push_back({number(0), number(1), number(2)});
  }
  return predict_growth(input);
}

Result<Json> growth_op(const Json& in, Recordings&) {
  AGDB_TRY(const Growth growth, growth_of(in));
  return growth_json(growth);
}

Result<Json> growth_text_op(const Json& in, Recordings&) {
  AGDB_TRY(const Growth growth, growth_of(in));
  return Json(growth_text(growth));
}

// [role, text], [role, char, repeat] or [role, char, repeat, tool_call_id].
Result<Message> profiled_message(const Json& in) {
  if (!in.is_array() || in.size() < 2) return fail(Code::kInvalid, "messages: expected lists");
  const Json::Array& parts = in.items();
  Message message{.role = std::string(parts[0].to_string().value_or("")), .content = {}};
  AGDB_TRY(message.content,
           text_of(parts.size() == 2 ? parts[1] : Json(Json::Array{parts[1], parts[2]})));
  if (parts.size() > 3) message.tool_call_id = parts[3].to_string().value_or("");
  return message;
}

Result<ContextProfile> profile_of(const Json& in) {
  AGDB_TRY(const std::string prompt, text_of(in["system_prompt"]));
  std::vector<Message> messages;
  if (in["messages"].is_array()) {
    for (const Json& item : in["messages"].items()) {
      AGDB_TRY(Message message, profiled_message(item));
      messages.push_back(std::move(message));
    }
  }
  return profile_context({.pid = Pid{in["pid"].to_uint().value_or(1)},
                          .ctx_id = CtxId{in["ctx_id"].to_uint().value_or(1)},
                          .tokens_used = in.integer("tokens_used"),
                          .context_budget = in.integer("context_budget"),
                          .system_prompt = prompt,
                          .messages = borrow(std::span<const Message>(messages))});
}

Result<Json> profile_op(const Json& in, Recordings&) {
  AGDB_TRY(const ContextProfile profile, profile_of(in));
  return profile_json(profile);
}

Result<Json> profile_text_op(const Json& in, Recordings&) {
  AGDB_TRY(const ContextProfile profile, profile_of(in));
  return Json(profile_text(profile));
}

Result<Json> suggest_op(const Json& in, Recordings&) {
  ContextProfile profile;
  profile.total_tokens = in.integer("total_tokens");
  profile.context_budget = in.integer("context_budget");
  profile.leaked.messages = in.integer("leaked_messages");
  profile.leaked.tokens = in.integer("leaked_tokens");
  profile.cold.pct = in["cold_pct"].to_double().value_or(0);
  const Json& consumers = in["top_consumers"];
  for (std::size_t i = 0; i < consumers.size() && consumers.is_array(); ++i) {
    const Json& entry = consumers.items()[i];
    if (!entry.is_array() || entry.size() != 2) {
      return fail(Code::kInvalid, "top_consumers: expected lists [kind, pct]");
    }
    profile.top_consumers.push_back({.kind = std::string(entry.items()[0].to_string().value_or("")),
                                     .pct = entry.items()[1].to_double().value_or(0)});
  }
  Json texts = Json::array();
  for (std::string& text : suggest(profile)) texts.push_back(std::move(text));
  return texts;
}

}  // namespace

void add_context_ops(Ops& ops) {
  ops["growth"] = growth_op;
  ops["growth_text"] = growth_text_op;
  ops["profile"] = profile_op;
  ops["profile_text"] = profile_text_op;
  ops["suggest"] = suggest_op;
}

}  // namespace agdb::conformance

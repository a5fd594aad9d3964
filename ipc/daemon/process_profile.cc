#include "ipc/daemon/process_profile.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace agdb {

Result<ContextProfile> profile_of_process(const Json& process, const Json& context,
                                          std::int64_t budget) {
  std::vector<Message> messages;
  for (std::size_t i = 0; i < context["messages"].size(); ++i) {
    AGDB_TRY(Message message, message_from_json(context["messages"].items()[i]));
    messages.push_back(std::move(message));
  }
  ProfileInput input;
  input.pid = Pid{process["pid"].to_uint().value_or(0)};
  input.ctx_id = CtxId{context["ctx_id"].to_uint().value_or(0)};
  input.tokens_used = process.integer("tokens_used");
  input.context_budget = budget != 0 ? budget : process.integer("budget");
  const std::string prompt(context.text("system_prompt"));
  input.system_prompt = prompt;
  input.messages = borrow(std::span<const Message>(messages));
  return profile_context(input);
}

}  // namespace agdb

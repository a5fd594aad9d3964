#include <fmt/format.h>

#include <string>
#include <utility>

#include "debug/replay/fork_context.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Result<ForkContext> fork_of(const Json& in) {
  ForkContext fork{.original_pid = Pid{in["original_pid"].to_uint().value_or(0)},
                   .seq_num = SeqNum{in["seq_num"].to_uint().value_or(0)},
                   .intent = std::string(in.text("intent")),
                   .system_prompt = std::string(in.text("system_prompt")),
                   .messages = {}};
  if (!in["messages"].is_array()) return fork;
  for (const Json& item : in["messages"].items()) {
    AGDB_TRY(Message message, message_from_json(item));
    fork.append(std::move(message));
  }
  return fork;
}

// One edit, ["append", "user", "text"]: its word and its operands.
Status edit(ForkContext& fork, const Json& op) {
  const auto operand = [&](std::size_t at) {
    return op.is_array() && at < op.size() ? op.items()[at] : Json();
  };
  const auto text = [&](std::size_t at) {
    return std::string(operand(at).to_string().value_or(""));
  };
  const std::string word = text(0);
  if (word == "set_prompt") {
    fork.set_system_prompt(text(1));
  } else if (word == "append") {
    fork.append(text(1), text(2));
  } else if (word == "remove") {
    return fork.remove_last(operand(1).to_int().value_or(0));
  } else if (word == "replace") {
    fork.replace_last(text(1));
  } else {
    return fail(Code::kInvalid, fmt::format("unknown edit \"{}\"", word));
  }
  return {};
}

Result<Json> fork_ops_op(const Json& in, Recordings&) {
  AGDB_TRY(ForkContext fork, fork_of(in["fork"]));
  if (!in["ops"].is_array()) return fail(Code::kInvalid, "ops: expected a list");
  for (const Json& op : in["ops"].items()) {
    if (const Status status = edit(fork, op); !status) return refused(status.error());
  }
  return to_json(fork);
}

Result<Json> fork_summary_op(const Json& in, Recordings&) {
  AGDB_TRY(const ForkContext fork, fork_of(in));
  return Json(summary_text(fork));
}

}  // namespace

void add_fork_ops(Ops& ops) {
  ops["fork_ops"] = fork_ops_op;
  ops["fork_summary"] = fork_summary_op;
}

}  // namespace agdb::conformance

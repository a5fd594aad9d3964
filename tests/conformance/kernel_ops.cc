#include <fmt/format.h>

#include "runtime/kernel/process_state.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

// Transitions of a new process, applied one after the other.
Result<Json> state_op(const Json& in, Recordings&) {
  if (!in.is_array()) return fail(Code::kInvalid, "expected a list of states");
  StateMachine machine;
  Json answers = Json::array();
  for (const Json& item : in.items()) {
    const std::string_view name = item.to_string().value_or("");
    const auto state = process_state_from(name);
    if (!state) return fail(Code::kInvalid, fmt::format("unknown state \"{}\"", name));
    answers.push_back(machine.change(*state) ? "ok" : "error");
  }
  return answers;
}

}  // namespace

void add_kernel_ops(Ops& ops) {
  ops["state"] = state_op;
}

}  // namespace agdb::conformance

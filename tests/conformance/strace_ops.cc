#include "debug/strace/strace_json.h"
#include "debug/strace/strace_line.h"
#include "tests/conformance/input.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Result<Json> strace_line_op(const Json& in, Recordings&) {
  const LiveCall live = live_call_of(in["event"]);
  return Json(strace_line(live.call, Stamp{.pid = live.pid, .timestamp = live.timestamp},
                          {.color = in.boolean("color"), .verbose = in.boolean("verbose")}));
}

Result<Json> strace_json_op(const Json& in, Recordings&) {
  const LiveCall live = live_call_of(in);
  return strace_json(live.call, live.pid, live.timestamp);
}

}  // namespace

void add_strace_ops(Ops& ops) {
  ops["strace_line"] = strace_line_op;
  ops["strace_json"] = strace_json_op;
}

}  // namespace agdb::conformance

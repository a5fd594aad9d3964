#include <utility>
#include <vector>

#include "debug/record/metadata.h"
#include "debug/replay/replay_line.h"
#include "tests/conformance/input.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Result<Json> replay_line_op(const Json& in, Recordings&) {
  AGDB_TRY(const RecordedEvent event, recorded_event_of(in["event"]));
  return Json(replay_line(event, {.verbose = in.boolean("verbose")}));
}

Result<Json> replay_list_op(const Json& in, Recordings&) {
  std::vector<ReplayListItem> items;
  if (!in["items"].is_array()) return Json(replay_list(items));
  for (const Json& item : in["items"].items()) {
    AGDB_TRY(RecordedEvent event, recorded_event_of(item["event"]));
    items.push_back({std::move(event), item.boolean("is_cursor")});
  }
  return Json(replay_list(items));
}

Result<Json> replay_summary_op(const Json& in, Recordings&) {
  AGDB_TRY(const RecordingMetadata metadata, parse_metadata(dump(in["metadata"]), "metadata"));
  return Json(replay_summary(metadata, in["event_count"].to_uint().value_or(0)));
}

}  // namespace

void add_replay_text_ops(Ops& ops) {
  ops["replay_line"] = replay_line_op;
  ops["replay_list"] = replay_list_op;
  ops["replay_summary"] = replay_summary_op;
}

}  // namespace agdb::conformance

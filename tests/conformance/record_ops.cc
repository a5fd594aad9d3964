#include <utility>

#include "debug/record/event_line.h"
#include "debug/record/recorded_event.h"
#include "tests/conformance/input.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Result<Json> record_from_syscall_op(const Json& in, Recordings&) {
  LiveCall live = live_call_of(in);
  const RecordedEvent event = to_recorded(
      Event{.pid = live.pid, .n = 0, .timestamp = live.timestamp, .payload = std::move(live.call)});
  std::string line;
  append_line(line, event);
  return parse_json(line);
}

Json numbers_in(const Recording& recording, std::size_t begin, std::size_t end) {
  Json numbers = Json::array();
  for (std::size_t at = begin; at < end; ++at) numbers.push_back(raw(recording.entry(at).seq_num));
  return numbers;
}

Result<Json> reader_load_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<Recording> recording, recordings.open(in));
  if (!recording) return refused(recording.error());
  return Json::object({{"events", numbers_in(*recording, 0, recording->size())},
                       {"metadata_status", recording->metadata().status}});
}

Result<Json> reader_event_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<Recording> recording, recordings.open(in));
  if (!recording) return refused(recording.error());
  const Result<RecordedEvent> event = recording->event(SeqNum{in["seq"].to_uint().value_or(0)});
  if (!event) return refused(event.error());
  return Json::object({{"seq", raw(event->seq_num)}});
}

Result<Json> reader_range_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<Recording> recording, recordings.open(in));
  if (!recording) return refused(recording.error());
  const auto [begin, end] = recording->range(SeqNum{in["from"].to_uint().value_or(0)},
                                             SeqNum{in["to"].to_uint().value_or(0)});
  return numbers_in(*recording, begin, end);
}

}  // namespace

void add_record_ops(Ops& ops) {
  ops["record_from_syscall"] = record_from_syscall_op;
  ops["reader_load"] = reader_load_op;
  ops["reader_event"] = reader_event_op;
  ops["reader_range"] = reader_range_op;
}

}  // namespace agdb::conformance

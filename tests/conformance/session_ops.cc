#include <fmt/format.h>

#include <string>
#include <string_view>

#include "debug/replay/replay_session.h"
#include "debug/replay/snapshot_finder.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

Json answer(const Result<RecordedEvent>& event) {
  if (!event) return refused(event.error());
  return Json::object({{"seq", raw(event->seq_num)}});
}

Json answer(const Result<ContextDiff>& diff) {
  if (!diff) return refused(diff.error());
  return Json::object({{"diff", to_json(*diff)}});
}

Json answer(const Result<ForkContext>& fork) {
  if (!fork) return refused(fork.error());
  return Json::object({{"fork", to_json(*fork)}});
}

Json answer(const Result<std::vector<ReplayListItem>>& items) {
  if (!items) return refused(items.error());
  Json json = Json::object({{"items", Json::array()}});
  for (const ReplayListItem& item : *items) {
    json.find("items")->push_back(raw(item.event.seq_num));
    if (item.is_cursor) json.set("cursor_seq", raw(item.event.seq_num));
  }
  return json;
}

Json answer(const ReplayPosition& position) {
  return Json::object({{"cursor", position.cursor}, {"total", position.total}});
}

// One command, ["goto", 5]: its word and its numbers.
class Command {
 public:
  explicit Command(const Json& json) : json_(json) {}
  std::string_view word() const {
    return json_.is_array() && !json_.empty() ? json_.items()[0].to_string().value_or("") : "";
  }
  std::uint64_t number(std::size_t at) const {
    return at < json_.size() ? json_.items()[at].to_uint().value_or(0) : 0;
  }
  SeqNum seq(std::size_t at) const { return SeqNum{number(at)}; }

 private:
  const Json& json_;
};

Result<Json> run(ReplaySession& session, const Command& command) {
  const std::string_view word = command.word();
  if (word == "next") return answer(session.next());
  if (word == "prev") return answer(session.prev());
  if (word == "current") return answer(session.current());
  if (word == "pos") return answer(session.position());
  if (word == "goto") return answer(session.go_to(command.seq(1)));
  if (word == "list") return answer(session.list(command.number(1)));
  if (word == "diff") return answer(session.diff(command.seq(1), command.seq(2)));
  if (word == "diff_from_cursor") return answer(session.diff_from_cursor(command.seq(1)));
  if (word == "fork") return answer(session.fork());
  if (word == "fork_at") return answer(session.fork_at(command.seq(1)));
  return fail(Code::kInvalid, fmt::format("unknown command \"{}\"", word));
}

Result<Json> session_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<Recording> recording, recordings.open(in));
  if (!recording) return refused(recording.error());
  const Json& commands = in["cmds"];
  if (!commands.is_array()) return fail(Code::kInvalid, "cmds: expected a list");
  ReplaySession session(*recording);
  Json answers = Json::array();
  for (const Json& command : commands.items()) {
    AGDB_TRY(Json result, run(session, Command(command)));
    answers.push_back(std::move(result));
  }
  return answers;
}

Result<Json> find_snapshot_op(const Json& in, Recordings& recordings) {
  AGDB_TRY(const Result<Recording> recording, recordings.open(in));
  if (!recording) return refused(recording.error());
  const Result<SeqNum> found =
      nearest_snapshot(*recording, SeqNum{in["at_or_before"].to_uint().value_or(0)});
  return found ? Json(raw(*found)) : Json();
}

}  // namespace

void add_session_ops(Ops& ops) {
  ops["session"] = session_op;
  ops["find_snapshot"] = find_snapshot_op;
}

}  // namespace agdb::conformance

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "debug/record/event_line.h"
#include "tests/unit/debug/trace/derived_fixture.h"

namespace agdb {

using std::chrono::milliseconds;

// 2026-03-08T10:00:00Z.
inline const WallTime kBirth{Nanoseconds(1'772'964'000'000'000'000)};

inline TracedProcess traced() {
  TracedProcess process;
  process.trace_id = "0af7651916cd43dd8448eb211c80319c";
  process.run_id = "run";
  process.pid = Pid{7};
  process.record_id = "7-1772964000";
  process.intent = "tidy up";
  process.model = "m-1";
  process.start = kBirth;
  return process;
}

// Makes the events of process 7, numbered; times in milliseconds since its start.
class EventMaker {
 public:
  EventMaker& call(std::string name, std::int64_t at, std::int64_t length, Json args = {},
                   Json result = {}, std::string err = {}) {
    Syscall syscall;
    syscall.name = std::move(name);
    syscall.args = std::move(args);
    syscall.result = std::move(result);
    syscall.err = std::move(err);
    syscall.duration = milliseconds(length);
    return add(at, std::move(syscall));
  }
  EventMaker& open(std::int64_t at, const std::string& path, int fd) {
    return call("Open", at, 0, Json::object({{"flags", 2}, {"path", path}}),
                "FD(" + std::to_string(fd) + ")");
  }
  EventMaker& write(std::int64_t at, int fd, const std::string& data) {
    return call("Write", at, 0, Json::object({{"data", data}, {"fd", fd}, {"size", data.size()}}),
                data.size());
  }
  EventMaker& read(std::int64_t at, std::int64_t length, int fd, const std::string& data,
                   const std::string& err = {}) {
    return call("Read", at, length, Json::object({{"fd", fd}, {"length", 65536}}),
                err.empty() ? Json::object({{"bytes", data.size()}, {"data", data}}) : Json(), err);
  }
  EventMaker& close(std::int64_t at, int fd) {
    return call("Close", at, 0, Json::object({{"fd", fd}}));
  }
  // A request to the model behind descriptor 3, up to its answer.
  EventMaker& ask(std::int64_t at, std::int64_t length) {
    call("CtxRead", at, 0, Json::object({{"cid", 1}, {"op", "BuildPrompt"}}), 2);
    call("Write", at, 0, Json::object({{"fd", 3}, {"model", "m-1"}, {"size", 120}}), 120);
    return call("Read", at, length, Json::object({{"fd", 3}, {"length", 65536}}),
                Json::object({{"bytes", 9}}));
  }
  EventMaker& answer(std::int64_t at, LlmResponse response) { return add(at, std::move(response)); }
  EventMaker& step(std::int64_t at, std::int64_t length, int number, const std::string& action) {
    return call("ReasonStep", at, length, Json::object({{"action", action}, {"step", number}}));
  }
  EventMaker& state(std::int64_t at, std::string from, std::string to, std::string reason = {}) {
    return add(at, StateChange{std::move(from), std::move(to), std::move(reason)});
  }
  EventMaker& context(std::int64_t at, std::int64_t tokens, const std::string& newest) {
    ContextChange change;
    change.ctx_id = CtxId{1};
    change.tokens = tokens;
    change.messages.push_back(
        std::make_shared<const Message>(Message{.role = "user", .content = newest}));
    return add(at, std::move(change));
  }
  EventMaker& add(std::int64_t at, Event::Payload payload) {
    events.push_back({Pid{7}, ++n, milliseconds(at), std::move(payload)});
    return *this;
  }

  std::vector<Event> events;
  std::uint64_t n = 0;
};

inline std::string line_of(const Event& event, std::uint64_t seq) {
  RecordedEvent recorded;
  if (const auto* change = std::get_if<ContextChange>(&event.payload)) {
    ContextSnapshot snapshot;
    snapshot.ctx_id = change->ctx_id;
    snapshot.system_prompt.emplace();
    snapshot.tokens = change->tokens;
    for (const MessagePtr& message : change->messages) snapshot.messages.push_back(*message);
    recorded.n = event.n;
    recorded.timestamp = event.timestamp;
    recorded.pid = event.pid;
    recorded.type = "context_snapshot";
    recorded.payload = std::move(snapshot);
  } else {
    recorded = to_recorded(event);
  }
  recorded.seq_num = SeqNum{seq};
  std::string line;
  append_line(line, recorded);
  line.pop_back();
  return line;
}

// The trace of the events, which is the same whether they come live or from lines.
inline SpanKeeper derive(const EventMaker& made, TracedProcess process = traced(),
                         const ProcessOutcome& outcome = {.exit_reason = "completed",
                                                          .ended = true}) {
  SpanKeeper live;
  SpanKeeper recorded;
  SpanDeriver from_events(process, live);
  SpanDeriver from_lines(process, recorded);
  LiveTraceEvents events;
  RecordedTraceEvents lines;
  for (const Event& event : made.events) {
    from_events.take(events.read(event));
    const std::string line = line_of(event, event.n);  // the read event points into it
    const Result<const TraceEvent*> read = lines.read(line);
    EXPECT_TRUE(read);
    if (read) from_lines.take(**read);
  }
  from_events.finish(outcome);
  from_lines.finish(outcome);
  EXPECT_EQ(live.spans, recorded.spans);
  EXPECT_EQ(live.begun, recorded.begun);
  EXPECT_EQ(live.instant_names(), recorded.instant_names());
  EXPECT_EQ(live.begun.size(), live.spans.size());
  return recorded;
}

inline Nanoseconds since_birth(const Span& span) {
  return span.start - kBirth;
}

}  // namespace agdb

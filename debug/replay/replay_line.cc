#include "debug/replay/replay_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "debug/replay/screen_text.h"
#include "debug/strace/value_text.h"
#include "runtime/events/duration.h"

namespace agdb {

namespace {

double seconds(Nanoseconds time) {
  return static_cast<double>(time.count()) / 1e9;
}

// The word under which a type's events are shown.
std::string_view label_of(EventType type) {
  switch (type) {
    case EventType::kSyscall:
      return "syscall";
    case EventType::kContextSnapshot:
      return "context";
    case EventType::kLlmResponse:
      return "llm";
    case EventType::kStateChange:
      return "state";
    case EventType::kAlert:
      return "alert";
    case EventType::kGap:
      return "gap";
    case EventType::kOther:
      break;
  }
  return "";
}

// A file may claim any number of kept messages.
std::uint64_t message_count(const ContextSnapshot& snapshot) {
  if (snapshot.kind == ContextSnapshot::Kind::kVersion1) return snapshot.texts.size();
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - snapshot.messages.size();
  return std::min(snapshot.keep, most) + snapshot.messages.size();
}

std::string argument_text(const Syscall& call) {
  if (const Json* path = call.args.find("path")) {
    return fmt::format("({})", quoted_text(path->is_string() ? path->string() : value_text(*path)));
  }
  if (const Json* intent = call.args.find("intent")) {
    return fmt::format("(intent={})",
                       quoted_text(intent->is_string() ? intent->string() : value_text(*intent)));
  }
  return "";
}

// Text that may have several lines goes on under its key, indented, so that it cannot pass for a
// line of ours.
std::string field_text(std::string_view key, std::string_view value) {
  std::string text = fmt::format("\n  {}=", screen_line(key));
  for (const char c : screen_text(value)) {
    text += c;
    if (c == '\n') text += "    ";
  }
  return text;
}

std::string number_field(std::string_view key, std::int64_t value) {
  return value == 0 ? std::string() : fmt::format("\n  {}={}", key, value);
}

std::string duration_field(std::string_view key, Nanoseconds value) {
  return value == Nanoseconds{0} ? std::string()
                                 : fmt::format("\n  {}={}", key, format_duration(value));
}

std::string text_field(std::string_view key, std::string_view value) {
  return value.empty() ? std::string() : field_text(key, value);
}

std::string compact(const Syscall& call) {
  std::string text = fmt::format("syscall: {}{}", screen_line(call.name), argument_text(call));
  if (!call.err.empty()) {
    text += fmt::format(" → err={}", screen_line(call.err));
  } else if (!call.result.is_null()) {
    text += fmt::format(" → {}", screen_line(value_text(call.result)));
  }
  if (call.duration > Nanoseconds{0}) text += fmt::format(" ({})", format_duration(call.duration));
  return text;
}

std::string compact(const LlmResponse& response) {
  return fmt::format("llm: model={} req={}tok resp={}tok", screen_line(response.model),
                     response.request_tokens, response.response_tokens);
}

std::string compact(const ContextSnapshot& snapshot) {
  return fmt::format("context: msgs={}", message_count(snapshot));
}

std::string compact(const StateChange& change) {
  std::string text =
      fmt::format("state: {} → {}", screen_line(change.from_state), screen_line(change.to_state));
  if (!change.reason.empty()) text += fmt::format(" ({})", screen_line(change.reason));
  return text;
}

std::string compact(const Alert& alert) {
  std::string text = fmt::format("alert: {} {} used={}tok budget={}tok remaining={:.1f}%",
                                 screen_line(alert.kind), screen_line(alert.level),
                                 alert.tokens_used, alert.context_budget, alert.remaining_pct);
  if (alert.est_remaining_steps > 0) text += fmt::format(" est={}steps", alert.est_remaining_steps);
  return text + fmt::format(" (step {})", alert.step);
}

std::string compact(const Gap& gap) {
  std::string text = fmt::format("gap: lost={} from n={}", gap.lost_events, gap.first_n);
  if (!gap.reason.empty()) text += fmt::format(" ({})", screen_line(gap.reason));
  return text;
}

std::string verbose(const Syscall& call) {
  std::string text = fmt::format("syscall: {}", screen_line(call.name));
  for (const Json::Member* argument : sorted_members(call.args)) {
    text += field_text(argument->key, value_text(argument->value));
  }
  if (!call.result.is_null()) text += field_text("result", value_text(call.result));
  text += text_field("err", call.err);
  return text + fmt::format("\n  duration={}", format_duration(call.duration));
}

std::string verbose(const LlmResponse& response) {
  std::string text = compact(response);
  text += text_field("content", response.content);
  for (const ToolCall& call : response.tool_calls) {
    const bool is_text = call.arguments.is_string();
    text +=
        field_text("tool_call",
                   fmt::format("{}({}) id={}", call.name,
                               is_text ? call.arguments.string() : dump(call.arguments), call.id));
  }
  text += text_field("stop_reason", response.stop_reason);
  text += number_field("cache_read_tokens", response.cache_read_tokens);
  text += number_field("cache_creation_tokens", response.cache_creation_tokens);
  text += duration_field("request_setup", response.request_setup);
  text += duration_field("time_to_first_token", response.time_to_first_token);
  text += duration_field("time_to_last_token", response.time_to_last_token);
  for (const Nanoseconds start : response.attempt_starts) {
    text += fmt::format("\n  attempt=+{}", format_duration(start));
  }
  if (response.cost_usd) text += fmt::format("\n  cost_usd={}", *response.cost_usd);
  return text + text_field("error", response.error);
}

std::string verbose(const ContextSnapshot& snapshot) {
  std::string text = compact(snapshot);
  // The reference shows no more, and its snapshots have no more than texts.
  if (snapshot.kind == ContextSnapshot::Kind::kVersion1) return text;
  text += fmt::format("\n  ctx_id={}\n  tokens={}", raw(snapshot.ctx_id), snapshot.tokens);
  if (snapshot.system_prompt) text += field_text("system_prompt", *snapshot.system_prompt);
  if (snapshot.kind == ContextSnapshot::Kind::kDelta) {
    text += fmt::format("\n  keep={} of #{:03}", snapshot.keep, raw(snapshot.base));
  }
  for (const Message& message : snapshot.messages) {
    text += field_text(message.role, message_body(message));
  }
  return text;
}

std::string verbose(const StateChange& change) {
  return compact(change);
}
std::string verbose(const Alert& alert) {
  return compact(alert);
}
std::string verbose(const Gap& gap) {
  return compact(gap);
}

std::string body(const RecordedEvent& event, bool in_full) {
  return std::visit(
      [&](const auto& payload) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(payload)>, std::monostate>) {
          const EventType type = event.event_type();
          return type == EventType::kOther
                     ? fmt::format("{}: (unknown event type)", screen_line(event.type))
                     : fmt::format("{}: (no data)", label_of(type));
        } else {
          return in_full ? verbose(payload) : compact(payload);
        }
      },
      event.payload);
}

std::string detail(const Syscall& call) {
  return call.name;
}
std::string detail(const LlmResponse& response) {
  return response.model;
}
std::string detail(const ContextSnapshot& snapshot) {
  return fmt::format("msgs={}", message_count(snapshot));
}
std::string detail(const StateChange& change) {
  return fmt::format("{} → {}", change.from_state, change.to_state);
}
std::string detail(const Alert& alert) {
  return fmt::format("{} {}", alert.kind, alert.level);
}
std::string detail(const Gap& gap) {
  return fmt::format("lost={}", gap.lost_events);
}
std::string detail(std::monostate) {
  return "";
}

std::string list_line(const ReplayListItem& item, std::size_t width) {
  const RecordedEvent& event = item.event;
  const std::string what =
      std::visit([](const auto& payload) { return detail(payload); }, event.payload);
  return screen_line(fmt::format("{}[#{:03}] +{:.1f}s  {:<8}  {}", item.is_cursor ? "► " : "  ",
                                 raw(event.seq_num), seconds(event.timestamp), event.type, what),
                     width);
}

// As "%.0fs"; "N/A" when either time is not set.
std::string run_time(const RecordingMetadata& metadata) {
  if (!metadata.start_time || !metadata.end_time) return "N/A";
  // By whole seconds and the rest: two times that a file claims may be further apart than their
  // type can count in nanoseconds. Truncated, not floored: the earliest time has no whole second
  // below it.
  const auto start = std::chrono::time_point_cast<std::chrono::seconds>(*metadata.start_time);
  const auto end = std::chrono::time_point_cast<std::chrono::seconds>(*metadata.end_time);
  const Nanoseconds rest = (*metadata.end_time - end) - (*metadata.start_time - start);
  return fmt::format("{:.0f}s", static_cast<double>((end - start).count()) + seconds(rest));
}

std::string summary_line(std::string_view label, std::string_view value) {
  return value.empty() ? std::string() : fmt::format("\n{:<12}{}", label, screen_line(value));
}

std::string summary_number(std::string_view label, std::uint64_t value) {
  return value == 0 ? std::string() : summary_line(label, fmt::format("{}", value));
}

// How far the process was when a late recording of it began.
std::string late_text(const BeganLate& late) {
  return fmt::format("at event n {}, +{:.1f}s, {}; {} model calls and {} tokens before", late.n,
                     seconds(late.timestamp), late.state, late.steps, late.tokens_used);
}

// What version 2 tells beyond the reference.
std::string further_lines(const RecordingMetadata& metadata) {
  std::string text = summary_line("Exit:", metadata.exit_reason);
  text += summary_line("Model:", metadata.model);
  text += summary_line("Run ID:", metadata.run_id);
  if (metadata.parent) {
    text += summary_line("Parent:", metadata.parent->record_id.empty()
                                        ? fmt::format("PID {}", raw(metadata.parent->pid))
                                        : metadata.parent->record_id);
  }
  if (metadata.forked_from) {
    text += summary_line("Forked from:", fmt::format(" {} #{:03}", metadata.forked_from->record_id,
                                                     raw(metadata.forked_from->seq_num)));
  }
  if (metadata.began_late) text += summary_line("Began late:", late_text(*metadata.began_late));
  if (metadata.source) text += summary_line("Source:", metadata.source->name);
  text += summary_number("Lost:", metadata.lost_events);
  return text;
}

}  // namespace

std::string replay_line(const RecordedEvent& event, const ReplayLineOptions& options) {
  const std::string line = fmt::format("[#{:03} +{:.1f}s] {}", raw(event.seq_num),
                                       seconds(event.timestamp), body(event, options.verbose));
  // A compact line has been made fit for a terminal piece by piece; once more does no harm.
  return options.verbose ? line : screen_line(line, options.width);
}

std::string replay_list(const std::vector<ReplayListItem>& items, std::size_t width) {
  std::string text;
  for (const ReplayListItem& item : items) {
    if (&item != &items.front()) text += '\n';
    text += list_line(item, width);
  }
  return text;
}

std::string replay_summary(const RecordingMetadata& metadata, std::size_t event_count) {
  return fmt::format(
             "Record ID:  {}\nPID:        {}\nIntent:     {}\nEvents:     {}\nDuration:   {}\n"
             "Status:     {}",
             screen_line(metadata.record_id), raw(metadata.pid), screen_line(metadata.intent),
             event_count, run_time(metadata), screen_line(metadata.status)) +
         further_lines(metadata);
}

}  // namespace agdb

#include "debug/strace/strace_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "debug/strace/value_text.h"
#include "runtime/events/adaptive_duration.h"
#include "runtime/events/printable.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::string_view kRed = "\x1b[91m";
constexpr std::string_view kGray = "\x1b[90m";
constexpr std::string_view kLoudRed = "\x1b[1;91m";
constexpr std::string_view kLoudYellow = "\x1b[1;93m";
constexpr std::string_view kReset = "\x1b[0m";

constexpr std::string_view kSlowMark = "← slow op";
constexpr std::string_view kLlmMark = "← LLM call";
constexpr Nanoseconds kSlow = std::chrono::seconds(1);

// Of a result or an error that is a plain text: the reference shows all of it, which can flood a
// terminal.
constexpr std::size_t kResultLimit = 1024;
// As the reference has them; in characters.
constexpr std::size_t kBriefLimit = 80;
constexpr std::size_t kSummaryLimit = 60;
constexpr std::size_t kPathLimit = 50;

std::string colored(std::string_view text, std::string_view color, const StraceOptions& options) {
  if (!options.color) return std::string(text);
  return fmt::format("{}{}{}", color, text, kReset);
}

double seconds(Nanoseconds time) {
  return static_cast<double>(time.count()) / 1e9;
}

std::string wall_clock(const Stamp& stamp, const StraceOptions& options) {
  // Unsigned arithmetic: a recording may hold any two times, and their sum need not fit.
  const auto wall = static_cast<std::uint64_t>(stamp.wall_start.time_since_epoch().count()) +
                    static_cast<std::uint64_t>(stamp.timestamp.count());
  const std::chrono::sys_time<Nanoseconds> time{Nanoseconds(static_cast<std::int64_t>(wall))};
  const auto whole = std::chrono::floor<std::chrono::microseconds>(time);
  const auto second = std::chrono::floor<std::chrono::seconds>(whole);
  const auto day_second = std::chrono::floor<std::chrono::seconds>(whole + options.utc_offset)
                              .time_since_epoch()
                              .count() %
                          86'400;
  const auto of_day = day_second < 0 ? day_second + 86'400 : day_second;
  std::string text = fmt::format("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
  if (options.time == TimeStyle::kWallMicros)
    text += fmt::format(".{:06}", (whole - second).count());
  return text;
}

std::string time_text(const Stamp& stamp, const StraceOptions& options) {
  switch (options.time) {
    case TimeStyle::kSinceStart:
      return fmt::format("{:7.3f}s", seconds(stamp.timestamp));
    case TimeStyle::kWallClock:
    case TimeStyle::kWallMicros:
      return wall_clock(stamp, options);
    case TimeStyle::kSincePrevious:
      return fmt::format("{:+7.3f}s", seconds(stamp.timestamp) -
                                          seconds(stamp.previous.value_or(stamp.timestamp)));
  }
  return {};
}

// "[  0.012s] "
std::string time_prefix(const Stamp& stamp, const StraceOptions& options) {
  return "[" + time_text(stamp, options) + "] ";
}

// What stands in front of everything else, outside of colours: "[pid 7] #012 ".
std::string origin_prefix(const Stamp& stamp, const StraceOptions& options) {
  std::string prefix;
  if (options.show_pid) prefix += fmt::format("[pid {}] ", raw(stamp.pid));
  if (options.show_number && stamp.n != 0) prefix += fmt::format("#{:03} ", stamp.n);
  return prefix;
}

// A failed event is red as a whole, or without colours marked in front.
std::string finished(const std::string& body, bool failed, const Stamp& stamp,
                     const StraceOptions& options) {
  const std::string origin = origin_prefix(stamp, options);
  if (!failed) return origin + body;
  return origin + (options.color ? colored(body, kRed, options) : "[ERR] " + body);
}

std::string unquoted_text(const Json& value, const StraceOptions& options) {
  if (options.verbose) return printable(value_text(value));
  return printable_within(value_text(value, options.string_limit), options.string_limit);
}

std::string text_preview(std::string_view text, const StraceOptions& options) {
  return options.verbose ? quoted_text(text) : quoted_within(text, options.string_limit);
}

std::string argument_text(const Json& value, const StraceOptions& options) {
  return value.is_string() ? text_preview(value.string(), options) : unquoted_text(value, options);
}

std::string arguments_text(const Json& args, const StraceOptions& options) {
  std::string text;
  for (const Json::Member* member : sorted_members(args)) {
    if (!text.empty()) text += ", ";
    text += printable(member->key) + "=" + argument_text(member->value, options);
  }
  return text;
}

// A Read that says what was read: the byte count, as the reference has it, and then the text.
std::optional<std::string> read_result(const Json& result, const StraceOptions& options) {
  const Json* bytes = result.find("bytes");
  const Json* data = result.find("data");
  if (result.size() != 2 || bytes == nullptr || data == nullptr || !bytes->is_integer())
    return std::nullopt;
  return value_text(*bytes) + " " + argument_text(*data, options);
}

std::string result_within(std::string_view text, const StraceOptions& options) {
  if (options.verbose) return printable(text);
  return printable_within(text, std::max(kResultLimit, options.string_limit));
}

std::string error_result(std::string_view err, const StraceOptions& options) {
  return "err(" + result_within(err, options) + ")";
}

std::string result_text(const Syscall& call, const StraceOptions& options) {
  if (!call.err.empty()) return error_result(call.err, options);
  if (auto text = read_result(call.result, options)) return *std::move(text);
  return result_within(value_text(call.result), options);
}

bool names_model_device(const Json& args) {
  return args.text("path").find("/dev/llm/") != std::string_view::npos ||
         args.text("tool").find("/dev/llm/") != std::string_view::npos;
}

std::string slow_mark(const Syscall& call, const StraceOptions& options) {
  if (call.duration <= kSlow) return {};
  return "  " + (call.err.empty() ? colored(kSlowMark, kGray, options) : std::string(kSlowMark));
}

std::string ordinary_line(const Syscall& call, const Stamp& stamp, const StraceOptions& options) {
  std::string body = fmt::format("{}{}({}) → {}    {}", time_prefix(stamp, options),
                                 printable(call.name), arguments_text(call.args, options),
                                 result_text(call, options), adaptive_duration(call.duration));
  body += slow_mark(call, options);
  if (names_model_device(call.args)) body += fmt::format("  {}", kLlmMark);
  return finished(body, !call.err.empty(), stamp, options);
}

std::string failed_tool_mark(const Syscall& call, std::string_view path,
                             const StraceOptions& options) {
  constexpr std::string_view kTools = "/dev/tool/";
  if (call.err.empty() || !path.starts_with(kTools)) return {};
  const std::string tool = printable(path.substr(kTools.size()));
  return "  " + colored(fmt::format("← {} failed", tool), kLoudRed, options);
}

// ConfigResolve(provider=P [source], model=M [source], project_default=X)
std::string config_line(const Syscall& call, const Stamp& stamp, const StraceOptions& options) {
  const auto shown = [&](std::string_view key) { return printable(call.args.text(key)); };
  const auto source = [&](std::string_view key) {
    return colored("[" + shown(key) + "]", kGray, options);
  };
  std::string body = fmt::format("{}ConfigResolve(provider={} {}, model={} {}",
                                 time_prefix(stamp, options), shown("provider"),
                                 source("provider_source"), shown("model"), source("model_source"));
  if (const std::string fallback = shown("project_default"); !fallback.empty())
    body += ", " + colored("project_default=" + fallback, kGray, options);
  body += fmt::format(")    {}", adaptive_duration(call.duration));
  return finished(body, false, stamp, options);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view first_line(std::string_view text) {
  const std::string_view line = trimmed(text);
  return trimmed(line.substr(0, line.find('\n')));
}

std::string brief_text(const Syscall& call, const StraceOptions& options) {
  if (!call.err.empty()) return error_result(call.err, options);
  if (call.result.is_null()) return "<nil>";
  const std::string text = value_text(call.result);
  const std::string_view line = first_line(text);
  if (line.empty()) return "<nil>";
  return printable(truncate(line, std::max(kBriefLimit, options.string_limit)));
}

// ReasonStep(action="A", step=N, others…) → first line of the result
std::string step_line(const Syscall& call, const Stamp& stamp, const StraceOptions& options) {
  const Json& step = call.args["step"];
  std::string args = fmt::format("action={}, step={}", quoted_text(call.args.text("action")),
                                 step.is_null() ? "0" : unquoted_text(step, options));
  for (const Json::Member* member : sorted_members(call.args)) {
    if (member->key == "action" || member->key == "step") continue;
    args += fmt::format(", {}={}", printable(member->key), unquoted_text(member->value, options));
  }
  std::string body = fmt::format("{}ReasonStep({}) → {}    {}", time_prefix(stamp, options), args,
                                 brief_text(call, options), adaptive_duration(call.duration));
  body += slow_mark(call, options);
  return finished(body, !call.err.empty(), stamp, options);
}

bool is_driver_event(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames = {
      "DriverToolCall", "DriverThinking", "DriverInit", "DriverUser",
      "DriverMessage",  "DriverItem",     "DriverEvent"};
  return std::ranges::find(kNames, name) != kNames.end();
}

// Of a long path its end is what tells.
std::string end_of_path(std::string_view path) {
  const std::size_t characters = count_characters(path);
  if (characters <= kPathLimit) return std::string(path);
  const std::size_t left_out = characters - (kPathLimit - 3);
  return "..." + std::string(path.substr(prefix_of_characters(path, left_out).size()));
}

std::string driver_parts(const Json& args) {
  std::string parts;
  const auto add = [&](const std::string& part) { parts += (parts.empty() ? "" : ", ") + part; };
  if (const auto tool = args.text("tool"); !tool.empty()) add("tool=" + printable(tool));
  if (const auto path = args.text("path"); !path.empty())
    add("path=" + quoted_text(end_of_path(path)));
  if (const auto subtype = args.text("subtype"); !subtype.empty()) add(printable(subtype));
  return parts;
}

std::string_view driver_summary(const Syscall& call) {
  if (const auto text = call.args.text("description"); !text.empty()) return text;
  if (const auto text = call.args.text("command"); !text.empty()) return text;
  return call.name == "DriverThinking" ? call.args.text("content") : std::string_view();
}

// DriverToolCall(tool=T, path="…", subtype) "summary"
std::string driver_line(const Syscall& call, const Stamp& stamp, const StraceOptions& options) {
  std::string body =
      fmt::format("{}{}({})", time_prefix(stamp, options), call.name, driver_parts(call.args));
  if (const std::string_view summary = driver_summary(call); !summary.empty())
    body += " " + quoted_text(truncate(summary, std::max(kSummaryLimit, options.string_limit)));
  return origin_prefix(stamp, options) + colored(body, kGray, options);
}

std::string call_preview(const ToolCall& call, const StraceOptions& options) {
  const std::string arguments = call.arguments.is_object() || call.arguments.is_null()
                                    ? arguments_text(call.arguments, options)
                                    : argument_text(call.arguments, options);
  return printable(call.name) + "(" + arguments + ")";
}

// What the model said and asked for: "text" bash(command="ls") read(path="a")
std::string answer_text(std::string_view content, const std::vector<ToolCall>& calls,
                        const StraceOptions& options) {
  std::string text;
  if (!content.empty() || calls.empty()) text = text_preview(content, options);
  for (const ToolCall& call : calls)
    text += (text.empty() ? "" : " ") + call_preview(call, options);
  return text;
}

std::string response_facts(const LlmResponse& response) {
  std::string facts = fmt::format("model={}, request={}, response={}", quoted_text(response.model),
                                  response.request_tokens, response.response_tokens);
  if (response.cache_read_tokens != 0)
    facts += fmt::format(", cached={}", response.cache_read_tokens);
  if (!response.stop_reason.empty()) facts += ", stop=" + quoted_text(response.stop_reason);
  if (response.attempt_starts.size() > 1)
    facts += fmt::format(", attempts={}", response.attempt_starts.size());
  if (response.cost_usd) facts += fmt::format(", cost=${:.4f}", *response.cost_usd);
  return facts;
}

std::string message_change(const ContextView& context) {
  if (!context.kept) return {};
  const std::uint64_t removed = context.previous_count.value_or(0) > *context.kept
                                    ? *context.previous_count - *context.kept
                                    : 0;
  if (removed != 0) return fmt::format(" (-{} +{})", removed, context.added.size());
  return fmt::format(" (+{})", context.added.size());
}

std::string events_text(std::uint64_t count) {
  return fmt::format("{} event{}", count, count == 1 ? "" : "s");
}

std::string numbers_text(const Gap& gap) {
  if (gap.first_n == 0 || gap.lost_events == 0) return {};
  const std::uint64_t last = gap.first_n + (gap.lost_events - 1);
  if (last < gap.first_n) return {};  // numbers that cannot be
  if (gap.lost_events == 1) return fmt::format(" (#{})", last);
  return fmt::format(" (#{}-#{})", gap.first_n, last);
}

// A line that must not be overlooked: set apart by stars, and in colour.
std::string loud_line(std::string_view text, std::string_view color, const Stamp& stamp,
                      const StraceOptions& options) {
  return origin_prefix(stamp, options) +
         colored(fmt::format("{}*** {} ***", time_prefix(stamp, options), text), color, options);
}

// The beginning and end of a process, as strace shows an exit.
std::string life_line(std::string_view text, const Stamp& stamp, const StraceOptions& options) {
  return fmt::format("{}{}+++ {} +++", origin_prefix(stamp, options), time_prefix(stamp, options),
                     text);
}

}  // namespace

ContextView view_of(const ContextChange& change, std::optional<std::uint64_t> previous_count) {
  ContextView view;
  view.ctx_id = change.ctx_id;
  view.message_count = change.keep + change.messages.size();
  view.kept = change.keep;
  view.previous_count = previous_count;
  view.added.reserve(change.messages.size());
  for (const MessagePtr& message : change.messages) view.added.push_back(message.get());
  view.system_prompt = change.system_prompt.get();
  view.tokens = change.tokens;
  return view;
}

std::string strace_line(const Syscall& call, const Stamp& stamp, const StraceOptions& options,
                        std::string_view path) {
  if (call.name == "ConfigResolve") return config_line(call, stamp, options);
  if (call.name == "ReasonStep") return step_line(call, stamp, options);
  if (is_driver_event(call.name)) return driver_line(call, stamp, options);
  return ordinary_line(call, stamp, options) + failed_tool_mark(call, path, options);
}

std::string strace_line(const LlmResponse& response, const Stamp& stamp,
                        const StraceOptions& options) {
  const bool failed = !response.error.empty();
  std::string body =
      fmt::format("{}LLM({}) → {}", time_prefix(stamp, options), response_facts(response),
                  failed ? error_result(response.error, options)
                         : answer_text(response.content, response.tool_calls, options));
  if (response.time_to_last_token > Nanoseconds(0))
    body += "    " + adaptive_duration(response.time_to_last_token);
  return finished(body, failed, stamp, options);
}

std::string strace_line(const ContextView& context, const Stamp& stamp,
                        const StraceOptions& options) {
  std::string body = fmt::format("{}Context(ctx={}, messages={}{}, tokens=~{}",
                                 time_prefix(stamp, options), raw(context.ctx_id),
                                 context.message_count, message_change(context), context.tokens);
  if (context.system_prompt != nullptr)
    body += ", prompt=" + text_preview(*context.system_prompt, options);
  body += ")";
  if (!context.added.empty()) {
    const Message& last = *context.added.back();
    body += fmt::format(" → {} {}", printable(last.role),
                        answer_text(last.content, last.tool_calls, options));
  }
  return finished(body, false, stamp, options);
}

std::string strace_line(const StateChange& change, const Stamp& stamp,
                        const StraceOptions& options) {
  std::string body = fmt::format("{}State({} → {})", time_prefix(stamp, options),
                                 printable(change.from_state), printable(change.to_state));
  if (!change.reason.empty()) body += " " + printable(change.reason);
  return finished(body, false, stamp, options);
}

std::string strace_line(const Alert& alert, const Stamp& stamp, const StraceOptions& options) {
  std::string text = fmt::format("ALERT {} {}", printable(alert.kind), printable(alert.level));
  if (alert.step > 0) text += fmt::format(" at step {}", alert.step);
  text += fmt::format(": {} of {} tokens spent, {:.1f}% left", alert.tokens_used,
                      alert.context_budget, alert.remaining_pct);
  if (alert.level != "exceeded")
    text += fmt::format(", ~{} more step{}", alert.est_remaining_steps,
                        alert.est_remaining_steps == 1 ? "" : "s");
  return loud_line(text, alert.level == "warning" ? kLoudYellow : kLoudRed, stamp, options);
}

std::string strace_line(const Gap& gap, const Stamp& stamp, const StraceOptions& options) {
  std::string text = events_text(gap.lost_events) + " lost" + numbers_text(gap);
  if (!gap.reason.empty()) text += ": " + printable(gap.reason);
  return loud_line(text, kLoudYellow, stamp, options);
}

std::string strace_line(const ProcessStart& start, const Stamp& stamp,
                        const StraceOptions& options) {
  std::string text = "started " + text_preview(start.intent, options);
  if (start.parent != kRuntimePid) text += fmt::format(", parent {}", raw(start.parent));
  if (!start.model.empty()) text += ", model " + quoted_text(start.model);
  if (start.context_budget > 0) text += fmt::format(", budget {} tokens", start.context_budget);
  if (start.forked_from)
    text += fmt::format(", forked from {} #{}", printable(start.forked_from->record_id),
                        raw(start.forked_from->seq_num));
  return life_line(text, stamp, options);
}

std::string strace_line(const ProcessEnd& end, const Stamp& stamp, const StraceOptions& options) {
  return life_line("exited: " + printable(end.exit_reason), stamp, options);
}

}  // namespace agdb

#include "debug/trace/perfetto.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <unordered_set>
#include <utility>

#include "debug/trace/saturating.h"
#include "debug/trace/trace_event_file.h"
#include "runtime/events/hash.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

// Smaller pids stand for themselves, and an agent's first track has its number. All other tracks
// are numbered from here on, and agents with greater pids from further up.
constexpr std::uint64_t kFirstTid = 1u << 20;
constexpr std::uint64_t kFirstPid = 1u << 30;
// What lies deeper in one another is written as async slices.
constexpr std::size_t kMaxLanes = 256;
// Phases that wait for their call, and tools between two calls. Beyond, phases become slices of
// their own, and tools have no flow.
constexpr std::size_t kMaxPhases = 4096;
constexpr std::size_t kMaxTools = 4096;
constexpr std::size_t kMaxName = 200;

constexpr double kNanosPerSecond = 1e9;
constexpr double kNanosPerMilli = 1e6;

constexpr std::array<std::string_view, 6> kTrackNames = {
    "agent", "model", "tools", "waits and messages", "user", "processes"};
// Of processes that have no tracks of their own.
constexpr std::string_view kFurtherProcess = "process_span";

// Perfetto reads a text as a hexadecimal number; ids from outside may be none.
std::string flow_id(std::string_view span_id) {
  constexpr std::size_t kDigits = 16;
  const bool is_hex = !span_id.empty() && span_id.size() <= kDigits &&
                      span_id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return fmt::format("0x{}",
                     is_hex ? std::string(span_id) : xxh3_128(span_id).hex().substr(kDigits));
}

// The viewer takes no event without a name.
std::string_view name_of(const Span& span) {
  return span.name.empty() ? span_kind_name(span.kind) : std::string_view(span.name);
}

double milliseconds(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / kNanosPerMilli;
}

// Puts the phases of a call, and what lies in one of those, behind all others, and returns how many
// others there are. A phase that names no parent is the next call's.
std::size_t part_phases(std::vector<Span>& waiting, const std::string& call) {
  const auto belongs = [&](const Span& phase) {
    return phase.parent_span_id.empty() || phase.parent_span_id == call;
  };
  if (std::ranges::all_of(waiting, belongs)) return 0;
  const auto own = std::ranges::stable_partition(waiting, std::not_fn(belongs)).begin();
  std::unordered_set<std::string_view> outer;
  for (auto phase = own; phase != waiting.end(); ++phase) outer.insert(phase->span_id);
  const auto inner = std::stable_partition(waiting.begin(), own, [&](const Span& phase) {
    return !outer.contains(phase.parent_span_id);
  });
  return static_cast<std::size_t>(inner - waiting.begin());
}

}  // namespace

void PerfettoExport::OpenEnds::put(const std::string& id, const Place& place) {
  places_[id] = place;
  order_.push_back(id);
  // Those that were taken stand in the order all the same.
  while (places_.size() > kMaxFlows || order_.size() > 2 * kMaxFlows) {
    places_.erase(order_.front());
    order_.pop_front();
  }
}

std::optional<PerfettoExport::Place> PerfettoExport::OpenEnds::take(const std::string& id) {
  const auto found = places_.find(id);
  if (found == places_.end()) return std::nullopt;
  const Place place = found->second;
  places_.erase(found);
  return place;
}

PerfettoExport::PerfettoExport(std::function<Status(std::string_view)> write,
                               PerfettoOptions options)
    : file_(std::make_unique<TraceEventFile>(std::move(write), options.limit)),
      options_(options),
      next_tid_(kFirstTid),
      next_pid_(kFirstPid) {}

PerfettoExport::~PerfettoExport() = default;

bool PerfettoExport::failed() const {
  return !file_->status();
}
std::uint64_t PerfettoExport::events() const {
  return file_->number();
}
std::uint64_t PerfettoExport::dropped() const {
  return file_->dropped();
}

std::int64_t PerfettoExport::since_zero(WallTime time) const {
  const Nanoseconds zero = options_.zero ? options_.zero->time_since_epoch() : Nanoseconds(0);
  return std::max(Nanoseconds(0), saturating_difference(time.time_since_epoch(), zero)).count();
}

PerfettoExport::Slice PerfettoExport::slice_of(const Process& process, const Span& span,
                                               std::int64_t least) const {
  Slice slice;
  slice.at = std::max(since_zero(span.start), process.start);
  // At the end of all time there is no room for the least.
  const std::int64_t room = std::numeric_limits<std::int64_t>::max() - slice.at;
  slice.length = std::max(since_zero(span.end()) - slice.at, std::min(least, room));
  return slice;
}

void PerfettoExport::on_process(const TracedProcess& traced) {
  if (!options_.zero) options_.zero = traced.start;
  const std::uint64_t pid = raw(traced.pid);
  if (processes_.contains(pid)) return;
  Process& process = processes_[pid];
  process.pid = number_for(pid);
  process.further = std::max<std::uint64_t>(traced.process_spans, 1) - 1;
  process.start = since_zero(traced.start);
  process.worked_until = process.start;
  if (first_pid_ == 0) first_pid_ = process.pid;
  name_process(process, traced);
  process.lanes[0].push_back({process.pid, process.start});
  name_lane(process, Track::kAgent, process.pid, 1);
  begin_process(process, traced.intent);
}

// The pid itself, unless it is too large, or was that of another process that has ended.
std::uint64_t PerfettoExport::number_for(std::uint64_t pid) {
  if (pid == 0 || pid >= kFirstTid) return next_pid_++;
  if (numbers_used_.size() <= pid) numbers_used_.resize(pid + 1);
  if (numbers_used_[pid]) return next_pid_++;
  numbers_used_[pid] = true;
  return pid;
}

// Its slice stands in front of all that lies in it, so that of two that begin at one moment the
// outer one is read first.
void PerfettoExport::begin_process(Process& process, std::string_view name) {
  process.name = prefix_of_characters(name, kMaxName);
  if (process.name.empty()) process.name = "agent";
  file_->begin("B", process.pid, process.pid, process.start);
  file_->keep();
  file_->text("cat", span_kind_name(SpanKind::kProcess));
  file_->text("name", process.name);
  file_->end();
}

// `span`: the process's own, when it has come. Returns the moment at which the slice ends.
std::int64_t PerfettoExport::end_process(Process& process, std::int64_t end, const Span* span) {
  end_tool_flows(process);
  write_lone_phases(process, std::exchange(process.phases, {}));
  if (process.asked_at) write_interaction(process, process.worked_until);
  end = std::max(end, process.lanes[0].front().end);
  file_->begin("E", process.pid, process.pid, end);
  file_->keep();
  file_->text("cat", span_kind_name(SpanKind::kProcess));
  file_->text("name", process.name);
  file_->begin_arguments();
  if (span != nullptr) {
    write_attributes(*span);
  } else {
    file_->boolean("incomplete", true);
  }
  file_->end();
  return end;
}

// `span`: what tells of the process first, if a span does.
PerfettoExport::Process& PerfettoExport::process_of(Pid pid, const Span* span) {
  const auto found = processes_.find(raw(pid));
  if (found != processes_.end()) return found->second;
  TracedProcess unknown;
  unknown.pid = pid;
  unknown.start = options_.zero.value_or(WallTime{});
  if (span != nullptr && span->kind == SpanKind::kProcess) {
    unknown.intent = span->name;
    unknown.start = span->start;
  }
  on_process(unknown);
  return processes_.at(raw(pid));
}

void PerfettoExport::name_process(const Process& process, const TracedProcess& traced) {
  const std::string intent(prefix_of_characters(traced.intent, kMaxName));
  file_->begin_metadata("process_name", process.pid, 0);
  file_->text("name", intent.empty() ? fmt::format("agent {}", raw(traced.pid)) : intent);
  file_->end();
  file_->begin_metadata("process_sort_index", process.pid, 0);
  file_->number("sort_index", ++sort_index_);
  file_->end();
  std::string labels = fmt::format("pid {}", raw(traced.pid));
  if (traced.parent != kRuntimePid) labels += fmt::format(", parent {}", raw(traced.parent));
  if (!traced.record_id.empty()) labels += ", " + traced.record_id;
  file_->begin_metadata("process_labels", process.pid, 0);
  file_->text("labels", labels);
  file_->end();
}

void PerfettoExport::name_lane(const Process& process, Track track, std::uint64_t tid,
                               std::size_t number) {
  const auto kind = static_cast<std::size_t>(track);
  std::string name(kTrackNames.at(kind));
  if (number > 1) name += fmt::format(" {}", number);
  file_->begin_metadata("thread_name", process.pid, tid);
  file_->text("name", name);
  file_->end();
  file_->begin_metadata("thread_sort_index", process.pid, tid);
  file_->number("sort_index", std::uint64_t{kind * 2 * kMaxLanes + number});
  file_->end();
}

// What begins with a moment and goes on would be read as standing around it.
bool PerfettoExport::Lane::has_room(const Slice& slice) const {
  return end < slice.at || (end == slice.at && (!moment || slice.length == 0));
}

// The first track of its kind on which the slice begins behind all others; nullptr: there are too
// many.
PerfettoExport::Lane* PerfettoExport::lane_for(Process& process, Track track, const Slice& slice) {
  std::vector<Lane>& lanes = process.lanes.at(static_cast<std::size_t>(track));
  for (Lane& lane : lanes)
    if (lane.has_room(slice)) return &lane;
  if (lanes.size() >= kMaxLanes) return nullptr;
  lanes.push_back({next_tid_++, 0});
  name_lane(process, track, lanes.back().tid, lanes.size());
  return &lanes.back();
}

PerfettoExport::Place PerfettoExport::begin_slice(Process& process, Track track, const Slice& slice,
                                                  std::string_view name,
                                                  std::string_view category) {
  Place place{.pid = process.pid, .at = slice.at, .end = slice.at + slice.length};
  Lane* const lane = lane_for(process, track, slice);
  if (lane == nullptr) {
    async_end_ = {fmt::format("0x{:x}", ++async_), place.pid, place.end, std::string(name),
                  category};
    file_->begin("b", process.pid, process.pid, place.at);
    file_->text("id", async_end_->id);
    place.end = place.at;
  } else {
    lane->end = place.end;
    lane->moment = slice.length == 0;
    place.tid = lane->tid;
    file_->begin("X", process.pid, lane->tid, slice.at);
    file_->microseconds("dur", slice.length);
  }
  place.event = file_->number();
  file_->text("cat", category);
  file_->text("name", name);
  file_->begin_arguments();
  return place;
}

void PerfettoExport::end_slice() {
  file_->end();
  if (!async_end_) return;
  file_->begin("e", async_end_->pid, async_end_->pid, async_end_->at);
  file_->text("id", async_end_->id);
  file_->text("cat", async_end_->category);
  file_->text("name", async_end_->name);
  file_->end();
  async_end_.reset();
}

void PerfettoExport::write_attributes(const Span& span) {
  if (span.failed()) {
    file_->text("status", span_status_name(span.status));
    file_->text("error", span.error);
  }
  if (span.attributes.is_object())
    for (const auto& [key, value] : span.attributes.members()) file_->json(key, value);
  if (span.tokens_used != 0) file_->number("tokens_used", span.tokens_used);
  if (span.syscall_count != 0) file_->number("syscall_count", span.syscall_count);
  file_->text("span_id", span.span_id);
}

PerfettoExport::Place PerfettoExport::write_slice(Process& process, Track track, const Span& span,
                                                  std::string_view name, std::int64_t least) {
  const Slice slice = slice_of(process, span, least);
  const Place place = begin_slice(process, track, slice, name, span_kind_name(span.kind));
  write_attributes(span);
  end_slice();
  return place;
}

void PerfettoExport::on_span(const Span& span) {
  Process& process = process_of(span.pid, &span);
  switch (span.kind) {
    case SpanKind::kProcess:
      return process.further > 0 ? write_further_process(process, span)
                                 : write_process(process, span);
    case SpanKind::kPhase:
      process.phases.push_back(span);
      if (process.phases.size() > kMaxPhases)
        write_lone_phases(process, std::exchange(process.phases, {}));
      return;
    case SpanKind::kLlmCall:
      return write_call(process, span);
    case SpanKind::kToolCall:
      return write_tool(process, span);
    case SpanKind::kStep: {
      const Place place = write_slice(process, Track::kAgent, span, name_of(span), 0);
      process.worked_until = std::max(process.worked_until, place.end);
      return;
    }
    case SpanKind::kWait:
      if (span.name == "wait for user") return write_users_wait(process, span);
      break;
    case SpanKind::kSpawn:
    case SpanKind::kChannelEmit:
    case SpanKind::kChannelMatch:
      return write_message(process, span);
    default:
      break;
  }
  write_slice(process, Track::kWait, span, name_of(span), 0);
}

void PerfettoExport::write_process(Process& process, const Span& span) {
  const Slice slice = slice_of(process, span);
  Place place{.pid = process.pid, .tid = process.pid, .at = process.start};
  place.event = std::numeric_limits<std::uint64_t>::max();
  place.end = end_process(process, slice.at + slice.length, &span);
  join(born_, spawned_, span.span_id, place, "spawn", false);
  processes_.erase(raw(span.pid));
}

// Not on the process's first track, since it may reach beyond it.
void PerfettoExport::write_further_process(Process& process, const Span& span) {
  --process.further;
  const Place place = begin_slice(process, Track::kProcess, slice_of(process, span), name_of(span),
                                  kFurtherProcess);
  write_attributes(span);
  end_slice();
  join(born_, spawned_, span.span_id, place, "spawn", false);
}

void PerfettoExport::write_message(Process& process, const Span& span) {
  // What is received is there at the receive's end.
  const std::int64_t least =
      span.kind == SpanKind::kChannelMatch ? saturating_sum(slice_of(process, span).length, 1) : 1;
  const Place place = write_slice(process, Track::kWait, span, name_of(span), least);
  const std::string linked = span.links.empty() ? std::string() : span.links.front().span_id;
  if (span.kind == SpanKind::kChannelEmit) {
    join(sent_, received_, span.span_id, place, "message", true);
  } else if (linked.empty()) {
    return;
  } else if (span.kind == SpanKind::kSpawn) {
    join(spawned_, born_, linked, place, "spawn", true);
  } else {
    join(received_, sent_, linked, place, "message", false);
  }
}

// Whichever end of a flow comes second writes it.
void PerfettoExport::join(OpenEnds& mine, OpenEnds& others, const std::string& id,
                          const Place& place, std::string_view name, bool begins) {
  if (!place.usable()) return;
  const std::optional<Place> other = others.take(id);
  if (!other) return mine.put(id, place);
  // A spawn leads into another process.
  if (name == "spawn" && other->pid == place.pid) return;
  write_flow(id, name, begins ? place : *other, nullptr, begins ? *other : place);
}

// A flow goes forward in time, from within a slice into others.
void PerfettoExport::write_flow(std::string_view id, std::string_view name, const Place& from,
                                const Place* through, const Place& to) {
  const std::int64_t next = through != nullptr ? through->at : to.end - 1;
  const std::int64_t start = std::min(from.end - 1, next);
  const std::int64_t end = std::max(to.at, next);
  if (start < from.at || end >= to.end) return;
  std::uint64_t oldest = std::min(from.event, to.event);
  if (through != nullptr) oldest = std::min(oldest, through->event);
  const auto write = [&](std::string_view phase, const Place& place, std::int64_t at) {
    file_->begin(phase, place.pid, place.tid, at);
    file_->depends_on(oldest);
    file_->text("id", flow_id(id));
    file_->text("cat", "flow");
    file_->text("name", name);
    if (phase == "f") file_->text("bp", "e");
    file_->end();
  };
  write("s", from, start);
  if (through != nullptr) write("t", *through, through->at);
  write("f", to, through != nullptr ? std::max(to.at, next) : std::max(to.at, start));
}

void PerfettoExport::write_tool(Process& process, const Span& span) {
  // As the runtime estimates the tokens of plain text.
  constexpr double kBytesPerToken = 3.5;
  const Slice slice = slice_of(process, span);
  const Place place =
      begin_slice(process, Track::kTool, slice, "Tool: " + span.name, span_kind_name(span.kind));
  file_->text("name", span.name);
  file_->boolean("success", !span.failed());
  const std::int64_t bytes = span.attributes.integer("result_bytes");
  if (bytes > 0)
    file_->number("result_tokens", static_cast<std::int64_t>(
                                       std::ceil(static_cast<double>(bytes) / kBytesPerToken)));
  write_attributes(span);
  end_slice();
  process.worked_until = std::max(process.worked_until, place.end);
  if (place.usable() && process.call.usable() && process.tools.size() < kMaxTools)
    process.tools.push_back({span.span_id, process.call, place});
}

void PerfettoExport::write_call(Process& process, const Span& span) {
  const Slice slice = slice_of(process, span);
  const std::size_t others = part_phases(process.phases, span.span_id);
  const std::span<const Span> phases = std::span(process.phases).subspan(others);
  const Place place =
      begin_slice(process, Track::kModel, slice, "API Call", span_kind_name(span.kind));
  write_call_arguments(phases, span, slice);
  end_slice();
  if (place.tid == 0) {
    write_lone_phases(process, {phases.begin(), phases.end()});
  } else {
    write_phases(process, phases, place);
  }
  process.phases.resize(others);
  process.worked_until = std::max(process.worked_until, place.end);
  read_tool_results(process, place);
  process.call = place;
}

void PerfettoExport::write_call_arguments(std::span<const Span> phases, const Span& span,
                                          const Slice& slice) {
  const auto number = [&](std::string_view key) { return span.attributes.integer(key); };
  const auto known = [&](const char* name, std::int64_t value) {
    if (value != 0) file_->number(name, value);
  };
  const std::int64_t prompt = number("request_tokens");
  const std::int64_t output = number("response_tokens");
  const std::int64_t cached = number("cache_read_tokens");
  const std::int64_t first = number("time_to_first_token");
  const std::int64_t last = number("time_to_last_token");
  const std::int64_t setup = number("request_setup");
  file_->text("model", span.name);
  if (const std::string_view source = span.attributes.text("provider"); !source.empty())
    file_->text("source", source);
  known("prompt_tokens", prompt);
  known("output_tokens", output);
  known("cache_read_tokens", cached);
  known("cache_creation_tokens", number("cache_creation_tokens"));
  file_->boolean("success", !span.failed());
  if (span.failed()) file_->text("error", span.error);
  file_->rounded("duration_ms", milliseconds(slice.length));
  if (first > 0) file_->rounded("ttft_ms", milliseconds(first));
  if (last > 0) file_->rounded("ttlt_ms", milliseconds(last));
  if (setup > 0) file_->rounded("request_setup_ms", milliseconds(setup));
  if (prompt > 0 && first > 0)
    file_->rounded("input_tokens_per_second",
                   static_cast<double>(prompt) * kNanosPerSecond / static_cast<double>(first));
  if (output > 0 && first > 0 && last > first)
    file_->rounded("output_tokens_per_second", static_cast<double>(output) * kNanosPerSecond /
                                                   static_cast<double>(last - first));
  if (cached > 0 && prompt > 0)
    file_->rounded("cache_hit_rate_percent",
                   100 * static_cast<double>(cached) / static_cast<double>(prompt));
  known("attempts", number("attempts"));
  write_attempt_starts(phases, span);
  for (const char* key : {"stop_reason", "cost_usd", "context_tokens", "request_bytes", "record_id",
                          "seq", "incomplete"}) {
    if (const Json& value = span.attributes[key]; !value.is_null()) file_->json(key, value);
  }
  file_->text("span_id", span.span_id);
}

// Milliseconds since the call's start.
void PerfettoExport::write_attempt_starts(std::span<const Span> phases, const Span& span) {
  Json starts = Json::array();
  WallTime last{};
  const auto add = [&](WallTime at) {
    starts.push_back(milliseconds(
        saturating_difference(at.time_since_epoch(), span.start.time_since_epoch()).count()));
  };
  for (const Span& phase : phases) {
    if (!phase.name.starts_with("Attempt ")) continue;
    add(phase.start);
    last = phase.end();
  }
  if (starts.empty()) return;
  add(last);
  file_->json("attempt_starts_ms", starts);
}

// One behind the other within the call, the attempts within the set-up; whatever the phases say.
// Those of which nothing would be left stand alone.
void PerfettoExport::write_phases(Process& process, std::span<const Span> phases,
                                  const Place& call) {
  std::vector<Span> alone;
  std::int64_t from = call.at;
  std::int64_t within = call.at;
  std::int64_t setup_end = call.at;
  const auto write = [&](const Span& phase, std::int64_t lowest, std::int64_t highest) {
    const std::int64_t at = std::clamp(since_zero(phase.start), lowest, highest);
    const std::int64_t end = std::clamp(since_zero(phase.end()), at, highest);
    if (end == at && phase.duration > Nanoseconds(0)) alone.push_back(phase);
    if (end == at) return end;
    file_->begin("X", process.pid, call.tid, at);
    file_->microseconds("dur", end - at);
    file_->text("cat", span_kind_name(phase.kind));
    file_->text("name", name_of(phase));
    file_->begin_arguments();
    write_attributes(phase);
    file_->end();
    return end;
  };
  for (const Span& phase : phases) {
    if (phase.name == "Request Setup") setup_end = from = write(phase, call.at, call.end);
  }
  for (const Span& phase : phases) {
    if (phase.name.starts_with("Attempt ")) {
      within = write(phase, within, setup_end);
    } else if (phase.name != "Request Setup") {
      from = write(phase, from, call.end);
    }
  }
  write_lone_phases(process, std::move(alone));
}

void PerfettoExport::write_lone_phases(Process& process, std::vector<Span> phases) {
  std::ranges::stable_sort(phases, {}, &Span::end);
  for (const Span& phase : phases)
    write_slice(process, Track::kModel, phase, fmt::format("Phase: {}", name_of(phase)), 0);
}

// A tool's result is read by the first model call that begins behind it.
void PerfettoExport::read_tool_results(Process& process, const Place& call) {
  std::erase_if(process.tools, [&](const ToolFlow& tool) {
    if (tool.tool.end > call.at) return false;
    if (call.usable()) {
      write_flow(tool.id, "tool", tool.call, &tool.tool, call);
    } else {
      write_flow(tool.id, "tool", tool.call, nullptr, tool.tool);
    }
    return true;
  });
}

void PerfettoExport::end_tool_flows(Process& process) {
  for (const ToolFlow& tool : process.tools)
    write_flow(tool.id, "tool", tool.call, nullptr, tool.tool);
  process.tools.clear();
}

void PerfettoExport::write_users_wait(Process& process, const Span& span) {
  const Slice slice = slice_of(process, span);
  if (process.asked_at) write_interaction(process, slice.at);
  begin_slice(process, Track::kUser, slice, "Waiting for User Input", span_kind_name(span.kind));
  write_attributes(span);
  end_slice();
}

void PerfettoExport::write_interaction(Process& process, std::int64_t end) {
  const std::int64_t at = *std::exchange(process.asked_at, std::nullopt);
  begin_slice(process, Track::kUser, {at, std::max(end - at, std::int64_t{0})}, "Interaction",
              span_kind_name(SpanKind::kUserTiming));
  if (process.prompt_bytes != 0) file_->number("prompt_length", process.prompt_bytes);
  end_slice();
}

void PerfettoExport::on_counter(const CounterPoint& point) {
  const Process& process = process_of(point.pid);
  file_->begin("C", process.pid, 0, since_zero(point.time));
  switch (point.kind) {
    case CounterPoint::Kind::kContextTokens:
      file_->text("name", "context");
      break;
    case CounterPoint::Kind::kBudgetLeft:
      file_->text("name", "budget left");
      break;
    case CounterPoint::Kind::kTokensPerSecond:
      file_->text("name", "output");
      break;
  }
  file_->begin_arguments();
  file_->rounded(
      point.kind == CounterPoint::Kind::kTokensPerSecond ? "tokens per second" : "tokens",
      point.value);
  file_->end();
}

void PerfettoExport::on_instant(const TraceInstant& instant) {
  Process& process = process_of(instant.pid);
  const std::int64_t at = std::max(since_zero(instant.time), process.start);
  if (instant.category == "user" && !process.asked_at) {
    process.asked_at = at;
    process.prompt_bytes = instant.attributes.integer("bytes");
  }
  file_->begin("i", process.pid, process.pid, at);
  file_->text("s", "p");
  file_->text("cat", instant.category);
  file_->text("name", instant.name);
  file_->begin_arguments();
  if (instant.attributes.is_object())
    for (const auto& [key, value] : instant.attributes.members()) file_->json(key, value);
  file_->end();
}

Status PerfettoExport::finish() {
  for (auto& [pid, process] : processes_) end_process(process, process.worked_until, nullptr);
  processes_.clear();
  if (dropped() > 0) {
    file_->begin("i", first_pid_, first_pid_, 0);
    file_->keep();
    file_->text("s", "g");
    file_->text("cat", "gap");
    file_->text("name", "trace_truncated");
    file_->begin_arguments();
    file_->number("dropped_events", dropped());
    file_->end();
  }
  return file_->finish(options_.zero ? format_wall_time(*options_.zero) : std::string());
}

}  // namespace agdb

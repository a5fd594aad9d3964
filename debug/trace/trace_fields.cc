#include "debug/trace/trace_fields.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

namespace agdb {
namespace {

using TextField = std::string_view TraceEvent::*;
constexpr std::array<std::pair<std::string_view, TextField>, 11> kTexts = {{
    {"path", &TraceEvent::path},
    {"op", &TraceEvent::op},
    {"role", &TraceEvent::role},
    {"tool", &TraceEvent::tool},
    {"action", &TraceEvent::action},
    {"model", &TraceEvent::model},
    {"intent", &TraceEvent::intent},
    {"provider", &TraceEvent::provider},
    {"subtype", &TraceEvent::subtype},
    {"description", &TraceEvent::description},
    {"signal", &TraceEvent::signal},
}};

constexpr std::array<std::string_view, 8> kNumbers = {
    "fd", "size", "step", "pid", "target_pid", "from_pid", "msg_seq", "budget"};

}  // namespace

void TraceEvent::clear() {
  std::vector<Nanoseconds> starts = std::move(attempt_starts);
  std::vector<TraceToolCall> calls = std::move(tool_calls);
  starts.clear();
  calls.clear();
  *this = TraceEvent();
  attempt_starts = std::move(starts);
  tool_calls = std::move(calls);
}

std::string_view* text_argument(TraceEvent& event, std::string_view key) {
  for (const auto& [name, field] : kTexts) {
    if (name == key) return &(event.*field);
  }
  return nullptr;
}

bool is_number_argument(std::string_view key) {
  return std::ranges::find(kNumbers, key) != kNumbers.end();
}

void take_number_argument(TraceEvent& event, std::string_view key, std::int64_t value) {
  const auto unsigned_value = static_cast<std::uint64_t>(value);
  if (key == "fd") {
    event.fd = value;
  } else if (key == "size") {
    event.size = value;
  } else if (key == "step") {
    event.step = value;
  } else if (key == "budget") {
    event.budget = value;
  } else if (key == "msg_seq") {
    event.msg_seq = unsigned_value;
  } else {
    event.pid = unsigned_value;
  }
}

void take_written(TraceEvent& event, std::string_view data) {
  event.arguments_hash = XXH3_64bits(data.data(), data.size());
  if (event.size == 0) event.size = static_cast<std::int64_t>(data.size());
}

void take_result(TraceEvent& event, const FlatValue& value) {
  if (event.name == "Open") {
    event.fd = value.number;
    if (value.text) event.fd = descriptor_in(*value.text);
  } else if (event.name == "Spawn") {
    if (value.number) event.result_pid = static_cast<std::uint64_t>(*value.number);
  } else if (event.name == "Read") {
    event.result_bytes = value.number.value_or(0);
  } else if (event.name == "Wait") {
    event.exit_code = value.number.value_or(0);
  }
}

bool is_known_result(std::string_view key) {
  return key == "bytes" || key == "code" || key == "reason";
}

void take_result_member(TraceEvent& event, std::string_view key, const FlatValue& value) {
  if (event.name == "Read" && key == "bytes") event.result_bytes = value.number.value_or(0);
  if (event.name != "Wait") return;
  if (key == "code") event.exit_code = value.number.value_or(0);
  if (key == "reason") event.exit_reason = value.text.value_or("");
}

}  // namespace agdb

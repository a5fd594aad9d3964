#include "debug/trace/recorded_content.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace agdb {
namespace {

// A descriptor as a number, or as Open returns it: "FD(3)".
std::optional<std::int64_t> descriptor_of(const Json& value) {
  if (const auto number = value.to_int()) return number;
  auto text = value.to_string();
  if (!text || !text->starts_with("FD(")) return std::nullopt;
  text->remove_prefix(3);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

// What was written to a tool is its arguments as JSON, or any text.
Json arguments_of(const Json& data) {
  const auto text = data.to_string();
  if (!text) return data;
  auto parsed = parse_json(*text);
  return parsed ? *std::move(parsed) : data;
}

// Takes from a tool's call what it says. False: the tool is done.
bool take(const Syscall& call, SpanContent& content) {
  if (call.name == "Write" && !call.args["data"].is_null())
    content.arguments = arguments_of(call.args["data"]);
  if (call.name == "Read" && !call.err.empty()) content.result = call.err;
  if (const auto data = call.result["data"].to_string(); call.name == "Read" && data)
    content.result = content.result.value_or("").append(*data);
  return call.name != "Close";
}

}  // namespace

RecordedContent::RecordedContent(std::span<const RecordedRun> runs) {
  for (const RecordedRun& run : runs) {
    for (const RecordedRun::Part& part : run.parts())
      folders_.emplace(part.metadata.record_id, part.folder);
  }
}

SpanContent RecordedContent::content_of(const Span& span) {
  const auto seq = span.attributes["seq"].to_uint();
  const Recording* recording = recording_of(span);
  if (recording == nullptr || !seq) {
    ++failures_;
    return {};
  }
  return span.kind == SpanKind::kLlmCall ? model_call(*recording, SeqNum{*seq})
                                         : tool_call(*recording, SeqNum{*seq});
}

const Recording* RecordedContent::recording_of(const Span& span) {
  const std::string id(span.attributes.text("record_id"));
  const auto folder = folders_.find(id);
  if (folder == folders_.end()) return nullptr;
  if (id != open_id_) {
    open_.reset();
    open_id_ = id;
    if (Result<Recording> recording = Recording::open(folder->second))
      open_ = *std::move(recording);
  }
  return open_ ? &*open_ : nullptr;
}

std::optional<RecordedEvent> RecordedContent::event_at(const Recording& recording,
                                                       std::size_t index) {
  Result<RecordedEvent> event = recording.event_at(index);
  if (event) return *std::move(event);
  ++failures_;
  return std::nullopt;
}

SpanContent RecordedContent::model_call(const Recording& recording, SeqNum seq) {
  SpanContent content;
  if (Result<RestoredContext> context = recording.context_at(seq)) {
    content.system_prompt = std::move(context->system_prompt);
    content.input = std::move(context->messages);
    for (const std::string& text : context->texts)
      content.input.push_back(message_from_version1(text));
  } else {
    ++failures_;
  }
  const auto first = recording.index_of(seq);
  if (!first) return content;
  const std::size_t last = std::min(recording.size(), *first + kMaxEvents);
  for (std::size_t i = *first; i < last; ++i) {
    if (recording.entry(i).type != EventType::kLlmResponse) continue;
    const std::optional<RecordedEvent> event = event_at(recording, i);
    const auto* response = event ? std::get_if<LlmResponse>(&event->payload) : nullptr;
    if (response != nullptr && response->error.empty())
      content.output = Message{
          .role = "assistant", .content = response->content, .tool_calls = response->tool_calls};
    break;
  }
  return content;
}

SpanContent RecordedContent::tool_call(const Recording& recording, SeqNum seq) {
  SpanContent content;
  const auto first = recording.index_of(seq);
  if (!first) return content;
  std::optional<std::int64_t> descriptor;
  const std::size_t last = std::min(recording.size(), *first + kMaxEvents);
  for (std::size_t i = *first; i < last; ++i) {
    if (recording.entry(i).type != EventType::kSyscall) continue;
    const std::optional<RecordedEvent> event = event_at(recording, i);
    const auto* call = event ? std::get_if<Syscall>(&event->payload) : nullptr;
    if (call == nullptr) break;
    if (i == *first) {
      descriptor = descriptor_of(call->result);
      if (!descriptor) break;
    } else if (descriptor_of(call->args["fd"]) == descriptor && !take(*call, content)) {
      break;
    }
  }
  return content;
}

}  // namespace agdb

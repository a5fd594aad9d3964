#include "debug/import/span_facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "debug/import/log_time.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::string_view kInputTokens =
    "gen_ai.usage.input_tokens gen_ai.usage.prompt_tokens llm.token_count.prompt "
    "llm.usage.prompt_tokens ai.usage.inputTokens ai.usage.promptTokens";
constexpr std::string_view kOutputTokens =
    "gen_ai.usage.output_tokens gen_ai.usage.completion_tokens llm.token_count.completion "
    "llm.usage.completion_tokens ai.usage.outputTokens ai.usage.completionTokens";
constexpr std::string_view kCacheReadTokens =
    "gen_ai.usage.cache_read.input_tokens gen_ai.usage.cache_read_input_tokens "
    "llm.token_count.prompt_details.cache_read ai.usage.cachedInputTokens";
constexpr std::string_view kCacheCreationTokens =
    "gen_ai.usage.cache_creation.input_tokens gen_ai.usage.cache_write.input_tokens "
    "gen_ai.usage.cache_creation_input_tokens gen_ai.usage.cache_write_input_tokens "
    "llm.token_count.prompt_details.cache_write";
constexpr std::string_view kModel =
    "agdb.model gen_ai.response.model gen_ai.request.model llm.model_name ai.response.model "
    "ai.model.id";
constexpr std::string_view kProvider =
    "agdb.provider gen_ai.provider.name gen_ai.system llm.provider llm.system ai.model.provider";
constexpr std::string_view kAgent = "gen_ai.agent.name agent_name graph.node.id";
constexpr std::string_view kTool = "agdb.tool gen_ai.tool.name tool.name ai.toolCall.name";
constexpr std::string_view kToolCallId =
    "agdb.tool_call_id gen_ai.tool.call.id tool_call.id ai.toolCall.id";
constexpr std::string_view kArguments =
    "gen_ai.tool.call.arguments gcp.vertex.agent.tool_call_args gen_ai.tool.args "
    "tool_arguments ai.toolCall.args tool.parameters traceloop.entity.input input.value";
constexpr std::string_view kResult =
    "gen_ai.tool.call.result gcp.vertex.agent.tool_response tool_response ai.toolCall.result "
    "traceloop.entity.output gen_ai.output output.value";

template <typename Take>
void each_word(std::string_view words, Take take) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (!take(words.substr(0, end))) return;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

// The first of these that is there and not null.
const Json& attribute(const ForeignSpan& span, std::string_view keys) {
  static const Json kNone;
  const Json* found = &kNone;
  each_word(keys, [&](std::string_view key) {
    const Json& value = span.attributes[key];
    if (!value.is_null()) found = &value;
    return value.is_null();
  });
  return *found;
}

// Langfuse's copies of attributes are text.
std::optional<double> number_of(const Json& value) {
  if (const auto number = value.to_double()) return number;
  const auto text = value.to_string();
  double number = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> tokens_of(const ForeignSpan& span, std::string_view keys,
                                      ImportTally& tally) {
  const Json& value = attribute(span, keys);
  if (value.is_null()) return std::nullopt;
  const auto number = number_of(value);
  if (number && *number >= 0 && *number <= static_cast<double>(kMaxCallTokens))
    return static_cast<std::int64_t>(*number);
  tally.not_understood("token count that cannot be read");
  return std::nullopt;
}

// Input includes cached input. Where it is less than its own part, it does not: then its writer
// took Anthropic's count, which leaves it out.
std::optional<ChatMessage::Usage> read_usage(const ForeignSpan& span, ImportTally& tally) {
  const auto input = tokens_of(span, kInputTokens, tally);
  const auto output = tokens_of(span, kOutputTokens, tally);
  if (!input && !output) return std::nullopt;
  ChatMessage::Usage usage;
  usage.request_tokens = input.value_or(0);
  usage.response_tokens = output.value_or(0);
  usage.cache_read_tokens = tokens_of(span, kCacheReadTokens, tally).value_or(0);
  usage.cache_creation_tokens = tokens_of(span, kCacheCreationTokens, tally).value_or(0);
  const std::int64_t cached = usage.cache_read_tokens + usage.cache_creation_tokens;
  if (cached > usage.request_tokens) usage.request_tokens += cached;
  return usage;
}

// A text, or a list of them as such or as JSON text: the first.
std::string stop_reason_of(const ForeignSpan& span) {
  const Json& value = attribute(span,
                                "agdb.stop_reason gen_ai.response.finish_reasons "
                                "ai.response.finishReason gen_ai.completion.0.finish_reason");
  Json list = value;
  if (const auto text = value.to_string()) {
    if (!text->starts_with('[')) return std::string(*text);
    list = parse_json(*text).value_or(Json());
  }
  if (!list.is_array() || list.empty()) return {};
  return std::string(list.items().front().to_string().value_or(""));
}

std::optional<double> cost_of(const ForeignSpan& span) {
  const auto number = [&span](std::string_view keys) { return number_of(attribute(span, keys)); };
  std::optional<double> cost = number("agdb.cost_usd llm.cost.total gen_ai.usage.cost");
  if (!cost) {
    const auto input = number("gen_ai.usage.input_cost cost_prompt llm.cost.prompt");
    const auto output = number("gen_ai.usage.output_cost cost_completion llm.cost.completion");
    if (input && output) cost = *input + *output;
  }
  return cost && std::isfinite(*cost) && *cost >= 0 ? cost : std::nullopt;
}

Nanoseconds nanoseconds_attribute(const ForeignSpan& span, std::string_view key) {
  const auto value = span.attributes[key].to_int();
  return Nanoseconds(value && *value > 0 ? *value : 0);
}

Nanoseconds first_token_of(const ForeignSpan& span) {
  if (const auto own = nanoseconds_attribute(span, "agdb.time_to_first_token"); own.count() > 0)
    return own;
  constexpr double kMillisPerSecond = 1e3;
  const auto seconds = span.attributes["gen_ai.response.time_to_first_chunk"].to_double();
  if (seconds) return read_log_seconds(Json(*seconds)).value_or(Nanoseconds{0});
  const auto millis = span.attributes["ai.response.msToFirstChunk"].to_double();
  if (!millis) return Nanoseconds{0};
  return read_log_seconds(Json(*millis / kMillisPerSecond)).value_or(Nanoseconds{0});
}

// Text that is a JSON object is one.
Json arguments_of(const Json& value) {
  const auto text = value.to_string();
  if (!text) return value;
  auto parsed = parse_json(*text);
  return parsed && parsed->is_object() ? *std::move(parsed) : value;
}

// Its device was opened, written to and closed; nothing was read.
bool is_without_result(const ForeignSpan& span) {
  constexpr std::int64_t kCallsWithoutReading = 3;
  return span.attributes.text("agdb.kind") == "tool_call" && !span.failed &&
         span.attributes["agdb.result_bytes"].is_null() &&
         span.attributes.integer("agdb.syscall_count") == kCallsWithoutReading;
}

using Word = std::pair<std::string_view, SpanRole>;

template <std::size_t kSize>
std::optional<SpanRole> look_up(const std::array<Word, kSize>& words, std::string_view word) {
  for (const auto& [theirs, role] : words)
    if (theirs == word) return role;
  return std::nullopt;
}

constexpr std::array<Word, 3> kAgdbKinds = {{
    {"process", SpanRole::kAgent},
    {"llm_call", SpanRole::kModelCall},
    {"tool_call", SpanRole::kToolCall},
}};

constexpr std::array<Word, 8> kOperations = {{
    {"chat", SpanRole::kModelCall},
    {"generate_content", SpanRole::kModelCall},
    {"text_completion", SpanRole::kModelCall},
    {"completion", SpanRole::kModelCall},
    {"call_llm", SpanRole::kModelCall},
    {"execute_tool", SpanRole::kToolCall},
    {"invoke_agent", SpanRole::kAgent},
    {"embeddings", SpanRole::kEmbedding},
}};

// OpenInference's, Traceloop's, Langfuse's; in lower case.
constexpr std::array<Word, 6> kKinds = {{
    {"llm", SpanRole::kModelCall},
    {"generation", SpanRole::kModelCall},
    {"agent", SpanRole::kAgent},
    {"tool", SpanRole::kToolCall},
    {"embedding", SpanRole::kEmbedding},
    {"completion", SpanRole::kModelCall},
}};

std::optional<SpanRole> role_by_operation(const ForeignSpan& span) {
  const auto operation = attribute(span, "gen_ai.operation.name").to_string();
  if (!operation) return std::nullopt;
  return look_up(kOperations, *operation).value_or(SpanRole::kOther);
}

std::optional<SpanRole> role_by_kind(const ForeignSpan& span) {
  const auto kind = attribute(span, "openinference.span.kind traceloop.span.kind").to_string();
  if (!kind) return std::nullopt;
  return look_up(kKinds, to_lower_ascii(*kind)).value_or(SpanRole::kOther);
}

std::optional<SpanRole> role_by_vercel(const ForeignSpan& span) {
  const auto operation = attribute(span, "ai.operationId").to_string();
  if (!operation) return std::nullopt;
  if (operation->ends_with(".doGenerate") || operation->ends_with(".doStream"))
    return SpanRole::kModelCall;
  if (operation->ends_with(".doEmbed")) return SpanRole::kEmbedding;
  return *operation == "ai.toolCall" ? SpanRole::kToolCall : SpanRole::kOther;
}

std::optional<SpanRole> role_by_request(const ForeignSpan& span) {
  const std::string_view type = attribute(span, "llm.request.type").to_string().value_or("");
  if (type == "chat" || type == "completion") return SpanRole::kModelCall;
  if (type == "embedding") return SpanRole::kEmbedding;
  return std::nullopt;
}

// Spans that do not say what they are.
SpanRole role_by_content(const ForeignSpan& span) {
  const bool model = !attribute(span, "gen_ai.request.model gen_ai.response.model").is_null();
  if (model && !attribute(span, kInputTokens).is_null()) return SpanRole::kModelCall;
  const std::string type =
      to_lower_ascii(attribute(span, "langfuse.observation.type").to_string().value_or(""));
  if (const auto role = look_up(kKinds, type)) return *role;
  if (!attribute(span, "gen_ai.tool.name").is_null()) return SpanRole::kToolCall;
  if (!attribute(span, "gen_ai.agent.name agent_name").is_null()) return SpanRole::kAgent;
  return SpanRole::kOther;
}

}  // namespace

std::string_view text_attribute(const ForeignSpan& span, std::string_view keys) {
  std::string_view found;
  each_word(keys, [&](std::string_view key) {
    found = span.attributes.text(key);
    return found.empty();
  });
  return found;
}

SpanRole role_of(const ForeignSpan& span) {
  if (const auto kind = span.attributes["agdb.kind"].to_string())
    return look_up(kAgdbKinds, *kind).value_or(SpanRole::kOther);
  for (const auto by : {role_by_operation, role_by_kind, role_by_vercel, role_by_request})
    if (const auto role = by(span)) return *role;
  return role_by_content(span);
}

SpanFacts read_span_facts(const ForeignSpan& span, ImportTally& tally) {
  SpanFacts facts;
  facts.without_result = is_without_result(span);
  facts.agent = text_attribute(span, kAgent);
  facts.model = text_attribute(span, kModel);
  facts.provider = text_attribute(span, kProvider);
  facts.tool = text_attribute(span, kTool);
  facts.tool_call_id = text_attribute(span, kToolCallId);
  facts.usage = read_usage(span, tally);
  facts.stop_reason = stop_reason_of(span);
  facts.cost_usd = cost_of(span);
  facts.time_to_first_token = first_token_of(span);
  facts.request_setup = nanoseconds_attribute(span, "agdb.request_setup");
  facts.arguments = arguments_of(attribute(span, kArguments));
  if (const Json& result = attribute(span, kResult); !result.is_null())
    facts.result = result.is_string() ? result.string() : dump(result);
  return facts;
}

void fill_in(SpanFacts& facts, const SpanFacts& other) {
  for (std::string SpanFacts::* text :
       {&SpanFacts::agent, &SpanFacts::model, &SpanFacts::provider, &SpanFacts::stop_reason})
    if ((facts.*text).empty()) facts.*text = other.*text;
  if (!facts.usage) facts.usage = other.usage;
  if (!facts.cost_usd) facts.cost_usd = other.cost_usd;
  if (facts.time_to_first_token == Nanoseconds{0})
    facts.time_to_first_token = other.time_to_first_token;
}

}  // namespace agdb

#include "debug/trace/masking.h"

#include <algorithm>
#include <utility>

#include "debug/secrets/mask.h"

namespace agdb {
namespace {

void mask_text(std::string& text, MaskCounts& counts) {
  if (!text.empty()) text = mask_secrets(text, counts);
}

bool has_secrets(const Span& span) {
  const auto in_event = [](const SpanEvent& event) {
    return text_has_secrets(event.name) || json_has_secrets(event.attributes);
  };
  const auto in_link = [](const SpanLink& link) { return json_has_secrets(link.attributes); };
  return text_has_secrets(span.name) || text_has_secrets(span.error) ||
         json_has_secrets(span.attributes) || std::ranges::any_of(span.events, in_event) ||
         std::ranges::any_of(span.links, in_link);
}

void mask_message(Message& message, MaskCounts& counts) {
  Json whole = to_json(message);
  const MaskCounts before = counts;
  mask_secrets(whole, counts);
  if (counts == before) return;
  if (Result<Message> masked = message_from_json(whole)) message = *std::move(masked);
}

}  // namespace

Span masked_span(Span span, MaskCounts& counts) {
  mask_text(span.name, counts);
  mask_text(span.error, counts);
  mask_secrets(span.attributes, counts);
  for (SpanEvent& event : span.events) {
    mask_text(event.name, counts);
    mask_secrets(event.attributes, counts);
  }
  for (SpanLink& link : span.links) mask_secrets(link.attributes, counts);
  return span;
}

void MaskingSink::on_process(const TracedProcess& process) {
  TracedProcess masked = process;
  MaskCounts counted_with_its_span;
  mask_text(masked.intent, counted_with_its_span);
  mask_text(masked.model, counted_with_its_span);
  next_.on_process(masked);
}

void MaskingSink::on_span_start(const Span& span) {
  if (!has_secrets(span)) return next_.on_span_start(span);
  MaskCounts counted_at_its_end;
  next_.on_span_start(masked_span(span, counted_at_its_end));
}

void MaskingSink::on_span(const Span& span) {
  // Most hold none: to look costs a third of a copy.
  if (!has_secrets(span)) return next_.on_span(span);
  next_.on_span(masked_span(span, counts_));
}

void MaskingSink::on_instant(const TraceInstant& instant) {
  TraceInstant masked = instant;
  mask_text(masked.name, counts_);
  mask_secrets(masked.attributes, counts_);
  next_.on_instant(masked);
}

SpanContent MaskingContent::content_of(const Span& span) {
  SpanContent content = source_.content_of(span);
  mask_text(content.system_prompt, counts_);
  for (Message& message : content.input) mask_message(message, counts_);
  if (content.output) mask_message(*content.output, counts_);
  mask_secrets(content.arguments, counts_);
  if (content.result) mask_text(*content.result, counts_);
  return content;
}

}  // namespace agdb

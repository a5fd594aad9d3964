#include <utility>

#include "debug/trace/trace_export.h"
#include "ipc/api/masked_answer.h"
#include "ipc/api/recording_parameters.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"
#include "ipc/api/spool.h"
#include "ipc/api/trace_parameters.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;
Handled write_export(const ApiCall& call, const ApiContext& context, const TraceSource& source) {
  AGDB_TRY(const std::shared_ptr<Spool> spool, Spool::open());
  const TraceFormat& format = trace_format(call.text("format"));
  MaskCounts masked;
  AGDB_CHECK_OK(export_trace(source, format,
                             {.write = [&](std::string_view text) { return spool->write(text); },
                              .content = call.boolean("content"),
                              .by_tokens = call.text("weight") == "tokens",
                              .masked = is_raw(call) ? nullptr : &masked}));
  HttpResponse response{.headers = {{"Content-Type", std::string(format.media_type)}},
                        .source = Spool::read(spool)};
  if (!is_raw(call)) tell_masked(response, masked, context);
  return response;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const TraceFormat& format : trace_formats()) names.emplace_back(format.name);
  return names;
}

Handled export_recording(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const std::string folder, recording_folder(call, context));
  AGDB_TRY(const TraceSource source, TraceSource::of_recording(context.places(), folder));
  return write_export(call, context, source);
}

Handled export_trace_of(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const TraceSource source, trace_source_of(call, context));
  return write_export(call, context, source);
}

std::vector<Parameter> export_parameters(Parameter which) {
  return {std::move(which),
          {.name = "format",
           .description = "what to write",
           .required = true,
           .words = format_names(),
           .example = "csv"},
          {.name = "content",
           .description = "with messages, arguments and results of tools (otlp), which are there "
                          "only of what is recorded",
           .type = Parameter::Type::kBoolean,
           .otherwise = "false"},
          {.name = "weight",
           .description = "what a stack weighs (folded)",
           .words = {"time", "tokens"},
           .otherwise = "time"}};
}

RouteAnswer export_answer() {
  RouteAnswer answer{.description = "of the format's type",
                     .content_type = "application/json",
                     .schema = schema::map(schema::any())};
  for (const TraceFormat& format : trace_formats())
    if (format.media_type != answer.content_type)
      answer.other_types.emplace_back(format.media_type);
  return answer;
}

}  // namespace

void add_export_routes(RouteTable& table, ApiContext& context) {
  table.add(
      {.method = "GET",
       .path = "/v1/recordings/{id}/export",
       .id = "exportRecording",
       .tag = "recordings",
       .summary = "the recording's run as spans, as `agdb export` writes them; of any size",
       .parameters = export_parameters(record_id_parameter()),
       .answers = {export_answer()},
       .has_texts = true,
       .handler = [&context](const ApiCall& call) { return export_recording(call, context); }});
  table.add(
      {.method = "GET",
       .path = "/v1/spans/{trace}/export",
       .id = "exportSpans",
       .tag = "spans",
       .summary = "the same of a run by any of its names, or of a trace of which only spans "
                  "are kept",
       .parameters = export_parameters(trace_parameter()),
       .answers = {export_answer()},
       .has_texts = true,
       .handler = [&context](const ApiCall& call) { return export_trace_of(call, context); }});
}

}  // namespace agdb

#include "ipc/api/trace_parameters.h"

#include <charconv>
#include <utility>

#include "ipc/api/recording_parameters.h"

namespace agdb {
namespace {

std::optional<TraceSource> source_of_process(const std::string& pid, const ApiContext& context) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), number);
  if (error != std::errc() || end != pid.data() + pid.size()) return std::nullopt;
  const Result<Json> process = context.call("process.info", Json::object({{"pid", number}}));
  if (!process) return std::nullopt;
  return TraceSource::of_process(context.places(), std::string(process->text("record_id")),
                                 std::string(process->text("trace_id")));
}

// What names one run beyond doubt; nothing: the word may be the name of several.
Result<std::optional<TraceSource>> find_one(const ApiCall& call, const ApiContext& context,
                                            std::string_view name) {
  const Result<std::string> folder = recording_folder(call, context, name);
  if (!folder && folder.error().code != Code::kNotFound) return std::unexpected(folder.error());
  if (!folder) return source_of_process(call.text(name), context);
  AGDB_TRY(TraceSource run, TraceSource::of_recording(context.places(), *folder));
  return run;
}

}  // namespace

Parameter trace_parameter(std::string name, Parameter::In in) {
  return {.name = std::move(name),
          .description =
              "a record id (its run; @: the newest), a run id, a trace id, or a pid (of "
              "the daemon, else the newest run that has it)",
          .in = in,
          .required = true,
          .least = 1,
          .most = 255,
          .example = "1-1763712345"};
}

Result<TraceSource> trace_source_of(const ApiCall& call, const ApiContext& context,
                                    std::string_view name) {
  AGDB_TRY(std::optional<TraceSource> one, find_one(call, context, name));
  if (one) return *std::move(one);
  return TraceSource::named(context.places(), call.text(name));
}

Result<GatheredTrace> gather_trace_of(const ApiCall& call, const ApiContext& context,
                                      std::string_view name) {
  AGDB_TRY(const std::optional<TraceSource> one, find_one(call, context, name));
  return one ? gather_trace(*one) : gather_named_trace(context.places(), call.text(name));
}

}  // namespace agdb

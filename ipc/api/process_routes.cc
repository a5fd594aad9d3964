#include <charconv>
#include <utility>

#include "ipc/api/api_call.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"
#include "ipc/daemon/process_profile.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;
using schema::integer;
using schema::text;
using enum Parameter::Type;

constexpr std::size_t kMaxScript = 16 << 20;

Parameter pid_parameter() {
  return {.name = "pid",
          .description = "a pid, or the record id of a process that is being recorded",
          .in = Parameter::In::kPath,
          .least = 1,
          .most = 255,
          .example = "1"};
}

// As a peer at the daemon's socket would name it.
Json pid_of(const ApiCall& call) {
  const std::string typed = call.text("pid");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(typed.data(), typed.data() + typed.size(), number);
  if (error == std::errc() && end == typed.data() + typed.size()) return number;
  return typed;
}

Json process_schema() {
  return schema::map(schema::any());
}

// Members of the body that are there, as parameters of the method.
Json with_pid(const ApiCall& call) {
  Json params = call.body().is_object() ? call.body() : Json::object();
  params.set("pid", pid_of(call));
  return params;
}

Handled list(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json told,
           context.call("process.list", Json::object({{"ended", call.boolean("ended")}})));
  return json_response(told);
}

Handled info(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json process, context.call("process.info", with_pid(call)));
  return json_response(process);
}

Handled spawn(const ApiCall& call, const ApiContext& context) {
  Result<Json> process = context.call("process.spawn", call.body());
  if (!process) {
    // What is damaged came with the request.
    Error error = process.error();
    if (error.code == Code::kCorrupt) error.code = Code::kInvalid;
    return std::unexpected(std::move(error));
  }
  return json_response(*process, 201);
}

Handled signal(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json process, context.call("process.signal", with_pid(call)));
  return json_response(process);
}

Handled budget(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json process, context.call("process.budget", with_pid(call)));
  return json_response(process);
}

Handled contexts(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json told, context.call("process.context", with_pid(call)));
  return json_response(told);
}

// What fills the newest context, recorded or not.
Handled profile(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json process, context.call("process.info", with_pid(call)));
  AGDB_TRY(const Json told, context.call("process.context", with_pid(call)));
  const Json& all = told["contexts"];
  if (all.empty())
    return fail(Code::kNotFound, "process " + call.text("pid") + " has no context yet");
  AGDB_TRY(const ContextProfile found, profile_of_process(process, all.items().back()));
  return json_response(profile_json(found));
}

Handled start_recording(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json begun, context.call("record.start", with_pid(call)));
  return json_response(begun, 201);
}

Handled stop_recording(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const Json ended, context.call("record.stop", with_pid(call)));
  return json_response(ended);
}

Json spawn_schema() {
  return schema::object(
      {{"script", schema::described(schema::any(), "an agent script: an object, or its text")}},
      {{"agent", text()},
       {"intent", text()},
       {"budget", integer(0, std::numeric_limits<std::int64_t>::max())},
       {"max_steps", integer(0, std::numeric_limits<std::int64_t>::max())},
       {"policy", schema::one_of({"kill", "pause", "warn"})},
       {"record", schema::boolean()},
       {"name", text()},
       {"restored", schema::map(schema::any())}});
}

Json spawn_example() {
  return *parse_json(
      R"({"script":{"agdb_script":1,"agents":{"main":{"intent":"say hello","turns":[{"text":"Hello."}]}}},"record":true})");
}

struct Ability {
  std::string method;
  std::string path;
  std::string id;
  std::string summary;
  Handled (*handle)(const ApiCall& call, const ApiContext& context);
  std::vector<Parameter> parameters = {};
  std::optional<RequestBody> body = {};
  int status = 200;
  Json schema = process_schema();
  bool has_texts = true;
};

void add(RouteTable& table, const ApiContext& context, Ability ability) {
  table.add({.method = std::move(ability.method),
             .path = std::move(ability.path),
             .id = std::move(ability.id),
             .tag = "processes",
             .summary = std::move(ability.summary),
             .parameters = std::move(ability.parameters),
             .body = std::move(ability.body),
             .answers = {{.status = ability.status, .schema = std::move(ability.schema)}},
             .has_texts = ability.has_texts,
             .handler = [&context, handle = ability.handle](const ApiCall& call) {
               return handle(call, context);
             }});
}

void add_looking(RouteTable& table, const ApiContext& context) {
  add(table, context,
      {.method = "GET",
       .path = "/v1/processes",
       .id = "listProcesses",
       .summary = "the daemon's processes",
       .handle = list,
       .parameters = {{.name = "ended",
                       .description = "those that have ended too",
                       .type = kBoolean,
                       .otherwise = "false"}},
       .schema = schema::object({{"processes", schema::list(process_schema())}},
                                {{"forgotten", integer()}})});
  add(table, context,
      {.method = "GET",
       .path = "/v1/processes/{pid}",
       .id = "getProcess",
       .summary = "one process",
       .handle = info,
       .parameters = {pid_parameter()}});
  add(table, context,
      {.method = "GET",
       .path = "/v1/processes/{pid}/contexts",
       .id = "getProcessContexts",
       .summary = "what it knows now",
       .handle = contexts,
       .parameters = {pid_parameter()},
       .schema = schema::object({{"contexts", schema::list(schema::map(schema::any()))}})});
  add(table, context,
      {.method = "GET",
       .path = "/v1/processes/{pid}/profile",
       .id = "getProcessProfile",
       .summary = "what fills its newest context",
       .handle = profile,
       .parameters = {pid_parameter()}});
}

void add_steering(RouteTable& table, const ApiContext& context) {
  add(table, context,
      {.method = "POST",
       .path = "/v1/processes",
       .id = "spawnProcess",
       .summary = "start an agent script",
       .handle = spawn,
       .body =
           RequestBody{
               .schema = spawn_schema(), .example = spawn_example(), .max_bytes = kMaxScript},
       .status = 201});
  add(table, context,
      {.method = "POST",
       .path = "/v1/processes/{pid}/signal",
       .id = "signalProcess",
       .summary = "end it, hold it, let it go on",
       .handle = signal,
       .parameters = {pid_parameter()},
       .body =
           RequestBody{.schema = schema::object(
                           {{"signal", schema::one_of({"terminate", "kill", "pause", "resume"})}}),
                       .example = Json::object({{"signal", "pause"}})}});
  add(table, context,
      {.method = "POST",
       .path = "/v1/processes/{pid}/budget",
       .id = "setBudget",
       .summary = "give it another budget (0: none), or another policy",
       .handle = budget,
       .parameters = {pid_parameter()},
       .body =
           RequestBody{.schema = schema::object(
                           {}, {{"budget", integer(0, std::numeric_limits<std::int64_t>::max())},
                                {"policy", schema::one_of({"kill", "pause", "warn"})}}),
                       .example = Json::object({{"budget", 20'000}, {"policy", "pause"}})}});
  add(table, context,
      {.method = "POST",
       .path = "/v1/processes/{pid}/recording",
       .id = "startRecording",
       .summary = "record it from now on",
       .handle = start_recording,
       .parameters = {pid_parameter()},
       .body = RequestBody{.schema = schema::object({}, {{"children", schema::boolean()}}),
                           .example = Json::object({{"children", true}})},
       .status = 201,
       .has_texts = false});
  add(table, context,
      {.method = "DELETE",
       .path = "/v1/processes/{pid}/recording",
       .id = "deleteRecordingOfProcess",
       .summary = "record it no longer; what was recorded stays",
       .handle = stop_recording,
       .parameters = {pid_parameter()},
       .has_texts = false});
}

}  // namespace

void add_process_routes(RouteTable& table, ApiContext& context) {
  add_looking(table, context);
  add_steering(table, context);
}

}  // namespace agdb

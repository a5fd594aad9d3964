#include <memory>
#include <mutex>

#include "ipc/api/openapi.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"

namespace agdb {
namespace {

using schema::boolean;
using schema::integer;
using schema::text;

Json status_schema() {
  return schema::object(
      {{"version", text()},
       {"protocol", integer()},
       {"os_pid", integer()},
       {"uptime_ns", integer()},
       {"socket", text()},
       {"listeners", schema::map(text())},
       {"records_dir", text()},
       {"record_all", boolean()},
       {"processes",
        schema::object({{"alive", integer()}, {"ended", integer()}, {"foreign", integer()}})},
       {"connections", integer()},
       {"views", integer()},
       {"recordings", integer()},
       {"recordings_losing", integer()},
       {"runs",
        schema::object({{"stored", integer()}, {"waiting", integer()}, {"not_stored", integer()}})},
       {"events", schema::object({{"refused", integer()}, {"history_dropped", integer()}})},
       {"rejected_notifications", integer()}},
      {{"otlp", schema::described(schema::map(schema::any()), "with serve --otlp")}});
}

Json index(const ApiContext& context) {
  return Json::object({{"name", "agdb"},
                       {"version", context.version},
                       {"links", Json::object({{"openapi", "/v1/openapi.json"},
                                               {"status", "/v1/status"},
                                               {"traces", "/v1/traces"},
                                               {"metrics", "/metrics"}})}});
}

}  // namespace

void add_index_routes(RouteTable& table, ApiContext& context) {
  table.add(
      {.method = "GET",
       .path = "/",
       .id = "getIndex",
       .tag = "server",
       .summary = "what this is, and where to go on",
       .answers = {{.schema = schema::object(
                        {{"name", text()}, {"version", text()}, {"links", schema::map(text())}})}},
       .handler = [&context](const ApiCall&) -> Result<HttpResponse> {
         return json_response(index(context));
       }});
  table.add({.method = "GET",
             .path = "/v1/status",
             .id = "getStatus",
             .tag = "server",
             .summary = "the daemon's state",
             .answers = {{.schema = status_schema()}},
             .handler = [&context](const ApiCall&) -> Result<HttpResponse> {
               AGDB_TRY(const Json status, context.call("daemon.status"));
               return json_response(status);
             }});
  // Made once, when it is first asked for: then all routes are there.
  struct Document {
    std::once_flag once;
    std::string text;
  };
  table.add({.method = "GET",
             .path = "/v1/openapi.json",
             .id = "getOpenapi",
             .tag = "server",
             .summary = "this API as an OpenAPI 3.1 document",
             .answers = {{.schema = schema::map(schema::any())}},
             .handler = [&table, &context, document = std::make_shared<Document>()](
                            const ApiCall&) -> Result<HttpResponse> {
               std::call_once(document->once, [&] {
                 document->text = dump(openapi_document(table, context.version),
                                       {.sorted = false, .indent = 2}) +
                                  "\n";
               });
               return text_response(document->text, "application/json");
             }});
}

}  // namespace agdb

#include <utility>

#include "ipc/api/routes.h"
#include "ipc/api/run_parameters.h"
#include "ipc/api/schema.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;
using schema::bounded;
using schema::text;

constexpr std::int64_t kMaxIds = 10'000;
constexpr std::int64_t kMaxId = std::numeric_limits<std::int64_t>::max();

Json ids_schema() {
  return bounded(bounded(schema::list(schema::integer(1, kMaxId)), "minItems", 1), "maxItems",
                 kMaxIds);
}

Json done_schema() {
  return schema::object({{"done", schema::described(schema::integer(), "how many were there")}});
}

// What an annotation may hold is the store's to say; these bounds only keep out what never fits.
Json annotation_schema(bool with_ids) {
  Json json = schema::object(
      {{"text", bounded(bounded(text(), "minLength", 1), "maxLength", 16'000)}},
      {{"author", bounded(text(), "maxLength", 1000)},
       {"tags", bounded(schema::list(bounded(text(), "maxLength", 1000)), "maxItems", 100)}});
  if (with_ids) {
    json.find("properties")->set("ids", ids_schema());
    json.find("required")->push_back("ids");
  }
  return json;
}

RunAnnotation annotation_of(const Json& body) {
  RunAnnotation annotation{.author = std::string(body.text("author")),
                           .text = std::string(body.text("text"))};
  if (const Json* const tags = body.find("tags"))
    for (const Json& tag : tags->items()) annotation.tags.push_back(tag.string());
  return annotation;
}

std::vector<StoredId> ids_of(const Json& body) {
  std::vector<StoredId> ids;
  for (const Json& id : body["ids"].items()) ids.push_back(StoredId{*id.to_uint()});
  return ids;
}

HttpResponse done(std::size_t count) {
  return json_response(Json::object({{"done", count}}));
}

Handled annotate(const ApiCall& call, const ApiContext& context) {
  AGDB_CHECK_OK(context.store.annotate(trace_id_of(call), annotation_of(call.body())));
  return done(1);
}

Handled annotate_all(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const std::size_t count,
           context.store.bulk_annotate(ids_of(call.body()), annotation_of(call.body())));
  return done(count);
}

Handled correlate(const ApiCall& call, const ApiContext& context) {
  AGDB_CHECK_OK(
      context.store.set_correlation(trace_id_of(call), call.body().text("correlation_id")));
  return done(1);
}

Handled remove(const ApiCall& call, const ApiContext& context) {
  const StoredId id = trace_id_of(call);
  AGDB_TRY(const std::size_t count, context.store.bulk_delete({&id, 1}));
  if (count == 0) return fail(Code::kNotFound, "trace " + std::to_string(raw(id)) + " not found");
  return done(count);
}

Handled remove_all(const ApiCall& call, const ApiContext& context) {
  AGDB_TRY(const std::size_t count, context.store.bulk_delete(ids_of(call.body())));
  return done(count);
}

Json ids_example() {
  return Json(Json::Array{1, 2});
}

void add_annotating(RouteTable& table, const ApiContext& context) {
  table.add({.method = "POST",
             .path = "/v1/traces/{id}/annotations",
             .id = "annotateTrace",
             .tag = "traces",
             .summary = "write something to a trace",
             .parameters = {trace_id_parameter()},
             .body = RequestBody{.schema = annotation_schema(false),
                                 .example = Json::object({{"text", "too slow"},
                                                          {"author", "me"},
                                                          {"tags", Json(Json::Array{"slow"})}})},
             .answers = {{.schema = done_schema()}},
             .handler = [&context](const ApiCall& call) { return annotate(call, context); }});
  table.add({.method = "POST",
             .path = "/v1/traces/annotations",
             .id = "annotateTraces",
             .tag = "traces",
             .summary = "write something to several traces",
             .body = RequestBody{.schema = annotation_schema(true),
                                 .example = Json::object(
                                     {{"ids", ids_example()}, {"text", "of the same batch"}})},
             .answers = {{.schema = done_schema()}},
             .handler = [&context](const ApiCall& call) { return annotate_all(call, context); }});
}

}  // namespace

void add_runs_change_routes(RouteTable& table, ApiContext& context) {
  add_annotating(table, context);
  table.add({.method = "PUT",
             .path = "/v1/traces/{id}/correlation",
             .id = "correlateTrace",
             .tag = "traces",
             .summary = "link a trace to others of the same request; an empty text unlinks it",
             .parameters = {trace_id_parameter()},
             .body = RequestBody{.schema = schema::object(
                                     {{"correlation_id", bounded(text(), "maxLength", 1000)}}),
                                 .example = Json::object({{"correlation_id", "request-17"}})},
             .answers = {{.schema = done_schema()}},
             .handler = [&context](const ApiCall& call) { return correlate(call, context); }});
  table.add({.method = "POST",
             .path = "/v1/traces/delete",
             .id = "deleteTraces",
             .tag = "traces",
             .summary = "take several traces out of the store; their recordings stay",
             .body = RequestBody{.schema = schema::object({{"ids", ids_schema()}}),
                                 .example = Json::object({{"ids", ids_example()}})},
             .answers = {{.schema = done_schema()}},
             .handler = [&context](const ApiCall& call) { return remove_all(call, context); }});
  table.add({.method = "DELETE",
             .path = "/v1/traces/{id}",
             .id = "deleteTrace",
             .tag = "traces",
             .summary = "take a trace out of the store; its recording stays",
             .parameters = {trace_id_parameter()},
             .answers = {{.schema = done_schema()}},
             .handler = [&context](const ApiCall& call) { return remove(call, context); }});
}

}  // namespace agdb

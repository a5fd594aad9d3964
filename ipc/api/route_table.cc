#include "ipc/api/route_table.h"

#include <utility>

#include "ipc/api/api_call.h"
#include "ipc/api/masked_answer.h"
#include "ipc/api/schema.h"
#include "ipc/http/problem.h"

namespace agdb {
namespace {

// Where on this machine the records lie is nobody's business who asks from outside: of their paths
// a failure tells what stands behind the folder that they are in.
std::string without_place(std::string text, std::string_view records_dir) {
  const std::size_t parent = records_dir.rfind('/', records_dir.rfind('/') - 1);
  if (parent == std::string_view::npos || parent == 0) return text;
  const std::string_view place = records_dir.substr(0, parent + 1);
  for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at))
    text.erase(at, place.size());
  return text;
}

Error without_place(Error error, std::string_view records_dir) {
  error.message = without_place(std::move(error.message), records_dir);
  error.hint = without_place(std::move(error.hint), records_dir);
  return error;
}

// What fails before its first piece is told as a problem, too.
BodySource without_place(BodySource source, const std::string& records_dir) {
  return [source = std::move(source), records_dir](std::string& out) -> Result<bool> {
    Result<bool> more = source(out);
    if (!more) return std::unexpected(without_place(std::move(more.error()), records_dir));
    return more;
  };
}

HttpResponse answer(const Route& route, const HttpRequest& request, const Json& schemas,
                    const ApiContext& context) {
  const Result<ApiCall> call = ApiCall::check(route, request, schemas);
  if (!call) return problem(call.error());
  Result<HttpResponse> response = route.handler(*call);
  if (!response) return problem(without_place(std::move(response.error()), context.records_dir));
  if (response->source)
    response->source = without_place(std::move(response->source), context.records_dir);
  if (route.has_texts && !is_raw(*call)) mask_answer(*response, context);
  return *std::move(response);
}

HttpResponse kept_answer(const Route& route, const HttpRequest& request, const Json& schemas,
                         const ApiContext& context) {
  const Result<std::int64_t> version = context.store.version();
  HttpResponse response = answer(route, request, schemas, context);
  if (version && response.status == 200)
    context.answers->keep(request.raw_target, *version, response);
  return response;
}

}  // namespace

RouteTable::RouteTable() {
  add_schema("Problem",
             schema::object({{"type", schema::text()},
                             {"title", schema::text()},
                             {"status", schema::integer(400, 599)},
                             {"detail", schema::described(schema::text(), "what is wrong")}},
                            {{"code", schema::described(schema::text(), "for programs")},
                             {"hint", schema::described(schema::text(), "what to do about it")}}));
}

void RouteTable::add(Route route) {
  AGDB_ASSERT(!route.answers.empty(), route.path);
  if (route.has_texts) route.parameters.push_back(raw_parameter());
  routes_.push_back(std::move(route));
}

void RouteTable::add_schema(std::string_view name, Json schema) {
  AGDB_ASSERT(schemas_.find(name) == nullptr, std::string(name));
  schemas_.set(name, std::move(schema));
}

Router RouteTable::router(const ApiContext& context) const {
  Router router;
  for (const Route& route : routes_) {
    HttpRoute http{.method = route.method, .pattern = route.path};
    if (route.body) {
      http.max_body = route.body->max_bytes;
      http.body_types = route.body->content_types;
    }
    http.handler = [this, &route, &context](HttpRequest& request) {
      return (route.cached ? kept_answer : answer)(route, request, schemas_, context);
    };
    if (route.cached)
      http.at_once = [&context](const HttpRequest& request) -> std::optional<HttpResponse> {
        const Result<std::int64_t> version = context.store.version();
        if (!version) return std::nullopt;
        return context.answers->find(request.raw_target, *version);
      };
    router.add(std::move(http));
  }
  return router;
}

}  // namespace agdb

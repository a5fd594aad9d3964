#include "ipc/api/route_table.h"

#include <utility>

#include "ipc/api/api_call.h"
#include "ipc/api/schema.h"
#include "ipc/http/problem.h"

namespace agdb {

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
  routes_.push_back(std::move(route));
}

void RouteTable::add_schema(std::string_view name, Json schema) {
  AGDB_ASSERT(schemas_.find(name) == nullptr, std::string(name));
  schemas_.set(name, std::move(schema));
}

Router RouteTable::router() const {
  Router router;
  for (const Route& route : routes_) {
    HttpRoute http{.method = route.method, .pattern = route.path};
    if (route.body) {
      http.max_body = route.body->max_bytes;
      http.body_types = route.body->content_types;
    }
    http.handler = [this, &route](HttpRequest& request) -> HttpResponse {
      const Result<ApiCall> call = ApiCall::check(route, request, schemas_);
      if (!call) return problem(call.error());
      Result<HttpResponse> response = route.handler(*call);
      return response ? *std::move(response) : problem(response.error());
    };
    router.add(std::move(http));
  }
  return router;
}

}  // namespace agdb

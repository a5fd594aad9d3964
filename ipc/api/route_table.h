#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "ipc/api/api_context.h"
#include "ipc/api/route.h"
#include "ipc/http/router.h"

namespace agdb {

// All routes of the API, and the schemas that they share. Filled once, then immutable: any thread.
class RouteTable {
 public:
  RouteTable();

  void add(Route route);
  // What schema::ref(name) means.
  void add_schema(std::string_view name, Json schema);

  const std::deque<Route>& routes() const { return routes_; }
  const Json& schemas() const { return schemas_; }

  // Each route with its checks in front, and with secrets masked behind. Table and context outlive
  // the router.
  Router router(const ApiContext& context) const;

 private:
  std::deque<Route> routes_;
  Json schemas_ = Json::object();
};

}  // namespace agdb

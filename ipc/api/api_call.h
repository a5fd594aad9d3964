#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/api/route.h"

namespace agdb {

// A request that is as its route says. Parameters are asked by their names; one that the route does
// not declare is a mistake of the handler.
class ApiCall {
 public:
  // An error (kInvalid) names the parameter or the place in the body. What nobody asked for is one,
  // too. `request` outlives the call; `components`: see check_schema.
  static Result<ApiCall> check(const Route& route, const HttpRequest& request,
                               const Json& components);

  bool has(std::string_view name) const;
  // Of one that is missing: `otherwise`.
  std::string text(std::string_view name, std::string_view otherwise = {}) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
  bool boolean(std::string_view name, bool otherwise = false) const;
  std::optional<std::string> optional_text(std::string_view name) const;
  std::optional<std::int64_t> optional_integer(std::string_view name) const;
  std::optional<bool> optional_boolean(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;

  // As the route's schema says; null where it declares no JSON.
  const Json& body() const { return body_; }
  const HttpRequest& request() const { return *request_; }

 private:
  ApiCall(const Route& route, const HttpRequest& request) : route_(&route), request_(&request) {}
  Status take_query();
  Status take_path();
  Status take_body(const Json& components);
  const std::vector<std::string>* find(std::string_view name) const;

  const Route* route_;
  const HttpRequest* request_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  Json body_;
};

}  // namespace agdb

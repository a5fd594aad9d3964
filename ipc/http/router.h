#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/http/http_message.h"

namespace agdb {

// What is done for a method and a path.
struct HttpRoute {
  std::string method;   // "GET"
  std::string pattern;  // "/v1/traces/{id}": {names} stand for one segment that is not empty
  HttpHandler handler;
  // What a request may bring along, in bytes and by media type (in lower case, without parameters).
  // No types: a request brings nothing.
  std::size_t max_body = 0;
  std::vector<std::string> body_types = {};
  // Asked first, of requests without a body, by the thread that has all connections: must neither
  // wait nor take long. Nothing: the handler is asked.
  std::function<std::optional<HttpResponse>(const HttpRequest& request)> at_once = nullptr;
};

// Finds the route of a request. Where a segment and a name both fit, the segment wins. Immutable
// once the server has it; then any thread.
class Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  // REQUIRES: the pattern begins with '/', and has no route of that method yet.
  void add(HttpRoute route);

  struct Match {
    const HttpRoute* route = nullptr;  // null: none; valid as long as the router
    std::map<std::string, std::string> names = {};
    // "GET, HEAD, OPTIONS": what the path can be asked; empty: there is no such path.
    std::string allow = {};
  };
  // HEAD finds the route of GET.
  Match find(std::string_view method, const std::vector<std::string>& path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace agdb

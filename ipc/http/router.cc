#include "ipc/http/router.h"

#include <algorithm>

namespace agdb {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> segments;
  std::unique_ptr<Node> any;
  struct Leaf {
    HttpRoute route;
    std::vector<std::string> names;
  };
  std::map<std::string, Leaf, std::less<>> methods;

  // The node of a path, and what its names stand for. A pattern is a few segments long, so that
  // trying the second way after the first is cheap.
  const Node* walk(const std::vector<std::string>& path, std::size_t at,
                   std::vector<std::string>& values) const {
    if (at == path.size()) return methods.empty() ? nullptr : this;
    if (const auto found = segments.find(path[at]); found != segments.end())
      if (const Node* const end = found->second->walk(path, at + 1, values)) return end;
    if (!any || path[at].empty()) return nullptr;
    values.push_back(path[at]);
    const Node* const end = any->walk(path, at + 1, values);
    if (end == nullptr) values.pop_back();
    return end;
  }

  std::string allow() const {
    std::string text;
    for (const auto& [method, leaf] : methods) {
      text += method + ", ";
      if (method == "GET") text += "HEAD, ";
    }
    return text + "OPTIONS";
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

void Router::add(HttpRoute route) {
  AGDB_ASSERT(route.pattern.starts_with('/'), route.pattern);
  Node* node = root_.get();
  std::vector<std::string> names;
  for (std::size_t at = 1; at < route.pattern.size();) {
    const std::size_t end = std::min(route.pattern.find('/', at), route.pattern.size());
    const std::string segment = route.pattern.substr(at, end - at);
    at = end + 1;
    const bool named = segment.starts_with('{') && segment.ends_with('}');
    if (named) names.push_back(segment.substr(1, segment.size() - 2));
    std::unique_ptr<Node>& next = named ? node->any : node->segments[segment];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  std::string method = route.method;
  std::string what = route.method + " " + route.pattern;
  const bool added =
      node->methods.emplace(std::move(method), Node::Leaf{std::move(route), std::move(names)})
          .second;
  AGDB_ASSERT(added, what);
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& path) const {
  std::vector<std::string> values;
  const Node* const node = root_->walk(path, 0, values);
  if (node == nullptr) return {};
  Match match{.allow = node->allow()};
  const auto leaf = node->methods.find(method == "HEAD" ? "GET" : method);
  if (leaf == node->methods.end()) return match;
  match.route = &leaf->second.route;
  for (std::size_t i = 0; i < values.size(); ++i)
    match.names[leaf->second.names[i]] = std::move(values[i]);
  return match;
}

}  // namespace agdb

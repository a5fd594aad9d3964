#include "runtime/events/json_order.h"

#include <algorithm>

namespace agdb {

std::vector<const Json::Member*> members_by_key(const Json::Object& members) {
  std::vector<const Json::Member*> sorted;
  sorted.reserve(members.size());
  for (const Json::Member& member : members) sorted.push_back(&member);
  // Addresses within one vector tell the order.
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    const int order = a->key.compare(b->key);
    return order != 0 ? order < 0 : a < b;
  });
  return sorted;
}

}  // namespace agdb

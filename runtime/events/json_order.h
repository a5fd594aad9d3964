#pragma once

#include <vector>

#include "runtime/events/json.h"

namespace agdb {

// The members in the order of their keys; those of one name stay in their order. Valid as long as
// `members` does not change.
std::vector<const Json::Member*> members_by_key(const Json::Object& members);

}  // namespace agdb

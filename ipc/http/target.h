#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/result.h"

namespace agdb {

struct QueryPart {
  std::string name;
  std::string value;

  bool operator==(const QueryPart&) const = default;
};

// What a request is about, decoded: texts are UTF-8 without control characters. A decoded segment
// may hold a '/', so segments are never joined to a path of the file system.
struct Target {
  std::vector<std::string> path;  // "/v1/traces" is {"v1", "traces"}; "/" is {}
  std::vector<QueryPart> query;   // in order; a name may come several times
  bool asterisk = false;          // "*": the server as a whole
  // "127.0.0.1:7475" of "http://127.0.0.1:7475/v1"; empty where only a path was given.
  std::string authority = {};

  bool operator==(const Target&) const = default;
};

inline constexpr std::size_t kMaxQueryParts = 100;
inline constexpr std::size_t kMaxPathSegments = 32;

// Takes a request's target apart. Errors (kInvalid): no path; a % without two hex digits; what is
// no UTF-8 or a control character once it is decoded; "." and ".." as segments, which nobody means.
Result<Target> parse_target(std::string_view text);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "debug/strace/name_sets.h"
#include "runtime/events/ids.h"
#include "runtime/events/result.h"

namespace re2 {
class RE2;
}

namespace agdb {

struct FilterSubject;

// Both ends included.
struct FilterRange {
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  bool contains(std::int64_t value) const { return low <= value && value <= high; }
};

// One condition of a filter: what stands in one expression (filter.h).
struct FilterCondition {
  struct Trace {
    std::vector<std::string> names;  // lower case
    std::vector<NameSet> sets;
    bool all = false;
  };
  struct Status {
    bool failed = false;
  };
  struct Pids {
    std::vector<Pid> pids;
  };
  struct Tools {
    std::vector<std::string> names;  // lower case
  };
  struct Text {
    std::shared_ptr<const re2::RE2> pattern;
  };
  struct Duration {
    FilterRange range;  // nanoseconds
  };
  struct Tokens {
    FilterRange range;
  };

  std::variant<Trace, Status, Pids, Tools, Text, Duration, Tokens> test;
  bool negated = false;
  // Names in a Trace that agdb does not know, as they were written, each once.
  std::vector<std::string> unknown_names = {};
};

bool holds(const FilterCondition& condition, const FilterSubject& subject);

Result<FilterCondition> parse_condition(std::string_view expression);

}  // namespace agdb

#include "tests/unit/source_tree.h"

namespace agdb {

std::string source_path(std::string_view relative) {
  return std::string(AGDB_SOURCE "/").append(relative);
}

std::string fixture_path(std::string_view relative) {
  return source_path("fixtures/").append(relative);
}

}  // namespace agdb

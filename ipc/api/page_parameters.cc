#include "ipc/api/page_parameters.h"

#include <utility>

namespace agdb {

Parameter page_limit_parameter(std::string otherwise) {
  return {.name = "limit",
          .description = "at most so many",
          .type = Parameter::Type::kInteger,
          .least = 1,
          .most = 10'000,
          .otherwise = std::move(otherwise),
          .example = "10"};
}

std::vector<Parameter> name_page_parameters() {
  return {page_limit_parameter("100"),
          {.name = "before",
           .description = "only what is older: `next` of the page before",
           .least = 1,
           .most = 255}};
}

std::size_t name_page_limit_of(const ApiCall& call) {
  return static_cast<std::size_t>(call.integer("limit", 100));
}

}  // namespace agdb

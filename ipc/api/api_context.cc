#include "ipc/api/api_context.h"

#include <utility>

namespace agdb {

Result<Json> ApiContext::call(std::string_view method, Json params) const {
  MethodResult result = gate.call(method, std::move(params));
  if (!result) return std::unexpected(to_error(result.error()));
  return *std::move(result);
}

std::int64_t ApiContext::unix_now() const {
  return std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
}

}  // namespace agdb

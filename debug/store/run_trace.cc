#include "debug/store/run_trace.h"

namespace agdb {

std::string_view run_status_name(RunStatus status) {
  switch (status) {
    case RunStatus::kSuccess:
      return "success";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kPartial:
      return "partial";
    case RunStatus::kTimeout:
      return "timeout";
  }
  return "failed";
}

std::optional<RunStatus> run_status_of(std::string_view name) {
  for (const RunStatus status : kRunStatuses)
    if (run_status_name(status) == name) return status;
  return std::nullopt;
}

}  // namespace agdb

#include "tools/agdb/run_filter.h"

#include "runtime/events/clock.h"

namespace agdb {
namespace {

std::int64_t unix_now() {
  return std::chrono::floor<std::chrono::seconds>(RealClock().wall()).time_since_epoch().count();
}

}  // namespace

Option add_run_filter(CommandLine& line, std::vector<std::string>& into) {
  return line
      .option("-e", "EXPR", into,
              "only runs that match: status=failed, flow=NAME, client=KEY, tag=TAG, errors=yes, "
              "duration=2s.., since=24h, until=1h (all that are given)")
      .check([](const std::string& word) -> std::string {
        const Result<RunFilter> filter = parse_run_filter({&word, 1}, 0);
        return filter ? "" : filter.error().message + "; " + filter.error().hint;
      });
}

Result<RunFilter> run_filter_of(std::span<const std::string> expressions) {
  return parse_run_filter(expressions, unix_now());
}

}  // namespace agdb

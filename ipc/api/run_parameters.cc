#include "ipc/api/run_parameters.h"

#include <iterator>
#include <utility>

#include "debug/runs/run_filter.h"
#include "ipc/api/page_parameters.h"

namespace agdb {
namespace {

constexpr std::int64_t kMaxId = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxText = 1000;

std::vector<std::string> status_names() {
  std::vector<std::string> names;
  for (const RunStatus status : kRunStatuses) names.emplace_back(run_status_name(status));
  return names;
}

}  // namespace

Parameter trace_id_parameter() {
  return {.name = "id",
          .description = "a trace's number",
          .in = Parameter::In::kPath,
          .type = Parameter::Type::kInteger,
          .least = 1,
          .most = kMaxId,
          .example = "1"};
}

StoredId trace_id_of(const ApiCall& call) {
  return StoredId{static_cast<std::uint64_t>(call.integer("id"))};
}

std::vector<Parameter> filter_parameters() {
  using enum Parameter::Type;
  return {{.name = "flow_name", .description = "of exactly this flow", .most = kMaxText},
          {.name = "status", .description = "that ended so", .words = status_names()},
          {.name = "client_key", .description = "of this client", .most = kMaxText},
          {.name = "min_latency_ms",
           .description = "that took at least so long",
           .type = kInteger,
           .most = kMaxRunNumber},
          {.name = "has_errors", .description = "with errors, or without", .type = kBoolean},
          {.name = "tag", .description = "with an annotation of this tag", .most = kMaxText},
          {.name = "since", .description = "not before: unix seconds", .type = kInteger},
          {.name = "until", .description = "before: unix seconds", .type = kInteger},
          {.name = "e",
           .description = "an expression as of `agdb runs list -e`: status=failed, "
                          "duration=2s.., since=24h; all must hold",
           .repeated = true,
           .most = kMaxText}};
}

Result<RunFilter> filter_of(const ApiCall& call, std::int64_t now) {
  const RunFilter named{.flow_name = call.optional_text("flow_name"),
                        .status = run_status_of(call.text("status")),
                        .client_key = call.optional_text("client_key"),
                        .min_latency_ms = call.optional_integer("min_latency_ms"),
                        .has_errors = call.optional_boolean("has_errors"),
                        .tag = call.optional_text("tag"),
                        .since = call.optional_integer("since"),
                        .until = call.optional_integer("until")};
  AGDB_TRY(RunFilter filter, parse_run_filter(call.texts("e"), now));
  if (!filter.flow_name) filter.flow_name = named.flow_name;
  if (!filter.status) filter.status = named.status;
  if (!filter.client_key) filter.client_key = named.client_key;
  if (!filter.min_latency_ms) filter.min_latency_ms = named.min_latency_ms;
  if (!filter.has_errors) filter.has_errors = named.has_errors;
  if (!filter.tag) filter.tag = named.tag;
  if (!filter.since) filter.since = named.since;
  if (!filter.until) filter.until = named.until;
  return filter;
}

std::vector<Parameter> page_parameters() {
  using enum Parameter::Type;
  return {page_limit_parameter("50"),
          {.name = "before",
           .description = "only smaller numbers: `next` of the page before",
           .type = kInteger,
           .least = 1,
           .most = kMaxId}};
}

RunPage page_of(const ApiCall& call) {
  return {.limit = static_cast<std::size_t>(call.integer("limit", 50)),
          .before = StoredId{static_cast<std::uint64_t>(call.integer("before"))}};
}

std::vector<Parameter> joined(std::vector<std::vector<Parameter>> lists) {
  std::vector<Parameter> all;
  for (std::vector<Parameter>& list : lists)
    all.insert(all.end(), std::move_iterator(list.begin()), std::move_iterator(list.end()));
  return all;
}

}  // namespace agdb

#include <fmt/format.h>

#include "debug/store/export.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"

namespace agdb {
namespace {

struct Metric {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::int64_t value;
};

void append(std::string& out, const Metric& metric) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n{} {}\n", metric.name,
                 metric.help, metric.name, metric.type, metric.name, metric.value);
}

void append_daemon(std::string& out, const Json& status, const ApiContext& context) {
  const Json& processes = status["processes"];
  const Json& events = status["events"];
  const Json& runs = status["runs"];
  const std::int64_t started = context.unix_now() - status.integer("uptime_ns") / 1'000'000'000;
  out +=
      "# HELP agdb_processes Processes that the daemon knows, by state.\n"
      "# TYPE agdb_processes gauge\n";
  for (const std::string_view state : {"alive", "ended"})
    fmt::format_to(std::back_inserter(out), "agdb_processes{{state=\"{}\"}} {}\n", state,
                   processes.integer(state));
  for (const Metric& metric : {
           Metric{"process_start_time_seconds", "gauge", "When the daemon began, unix seconds.",
                  started},
           Metric{"agdb_processes_foreign", "gauge", "Processes alive that are other programs'.",
                  processes.integer("foreign")},
           Metric{"agdb_connections", "gauge", "Connections at the daemon's socket.",
                  status.integer("connections")},
           Metric{"agdb_views", "gauge", "Live views of events.", status.integer("views")},
           Metric{"agdb_recordings", "gauge", "Recordings under way.",
                  status.integer("recordings")},
           Metric{"agdb_recordings_losing", "gauge", "Of those: such as have lost events.",
                  status.integer("recordings_losing")},
           Metric{"agdb_runs_stored_total", "counter", "Runs that have ended and are stored.",
                  runs.integer("stored")},
           Metric{"agdb_runs_waiting", "gauge", "Runs that have ended and are yet to be stored.",
                  runs.integer("waiting")},
           Metric{"agdb_runs_not_stored_total", "counter", "Runs that could not be stored.",
                  runs.integer("not_stored")},
           Metric{"agdb_events_refused_total", "counter", "Events lost: the recorder was behind.",
                  events.integer("refused")},
           Metric{"agdb_events_history_dropped_total", "counter",
                  "Events that are no longer there for views that ask for the last ones.",
                  events.integer("history_dropped")},
           Metric{"agdb_reports_rejected_total", "counter", "Reports of agents that were wrong.",
                  status.integer("rejected_notifications")},
       })
    append(out, metric);
}

void append_http(std::string& out, const HttpCounts& counts) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  for (const Metric& metric : {
           Metric{"agdb_http_connections", "gauge", "Connections to this server.",
                  number(counts.connections)},
           Metric{"agdb_http_turned_away_total", "counter", "Connections beyond the limit.",
                  number(counts.turned_away)},
           Metric{"agdb_http_requests_total", "counter", "Requests answered.",
                  number(counts.requests)},
           Metric{"agdb_http_refused_total", "counter", "Requests answered with 4xx.",
                  number(counts.refused)},
           Metric{"agdb_http_failed_total", "counter", "Requests answered with 5xx.",
                  number(counts.failed)},
           Metric{"agdb_http_cut_total", "counter", "Answers that ended early.",
                  number(counts.cut)},
       })
    append(out, metric);
}

Result<HttpResponse> metrics(const ApiContext& context) {
  AGDB_TRY(const StoreStats stats, context.store.stats());
  AGDB_TRY(const Json status, context.call("daemon.status"));
  std::string text = prometheus_text(stats);
  append_daemon(text, status, context);
  append_http(text, context.http_counts());
  append(text, {"agdb_secrets_masked_total", "counter", "Secrets masked in answers.",
                static_cast<std::int64_t>(context.masked->load())});
  return text_response(std::move(text), content_type_of(ExportFormat::kPrometheus));
}

}  // namespace

void add_metrics_routes(RouteTable& table, ApiContext& context) {
  table.add({.method = "GET",
             .path = "/metrics",
             .id = "getMetrics",
             .tag = "server",
             .summary = "counters and gauges of the store and the daemon, for Prometheus",
             .answers = {{.content_type = "text/plain; version=0.0.4; charset=utf-8"}},
             .handler = [&context](const ApiCall&) { return metrics(context); }});
}

}  // namespace agdb

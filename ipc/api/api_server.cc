#include "ipc/api/api_server.h"

#include <utility>

#include "debug/runs/run_of_recordings.h"
#include "ipc/api/routes.h"

namespace agdb {
namespace {

const Clock& machine_clock() {
  static const RealClock clock;
  return clock;
}

}  // namespace

void add_all_routes(RouteTable& table, ApiContext& context) {
  add_index_routes(table, context);
  add_runs_routes(table, context);
  add_runs_change_routes(table, context);
  add_metrics_routes(table, context);
  add_process_routes(table, context);
  add_recording_routes(table, context);
  add_live_routes(table, context);
  add_export_routes(table, context);
  add_span_routes(table, context);
}

struct ApiServer::Impl {
  explicit Impl(TraceStore opened) : store(std::move(opened)) {}

  TraceStore store;
  std::unique_ptr<ApiContext> context;
  RouteTable table;
  // Last: its handlers use all of the above.
  std::unique_ptr<HttpServer> server;
};

Result<std::unique_ptr<ApiServer>> ApiServer::open(ApiServerOptions options, Daemon& daemon) {
  AGDB_TRY(TraceStore store, TraceStore::open(store_path(options.records_dir), machine_clock()));
  if (options.http.trouble)
    for (const std::string& note : store.notes()) options.http.trouble(note);
  auto impl = std::make_unique<Impl>(std::move(store));
  impl->context = std::make_unique<ApiContext>(ApiContext{.records_dir = options.records_dir,
                                                          .traces_dir = options.traces_dir,
                                                          .version = options.version,
                                                          .store = impl->store,
                                                          .gate = daemon.gate(),
                                                          .clock = machine_clock()});
  impl->context->http_counts = [i = impl.get()] { return i->server->counts(); };
  add_all_routes(impl->table, *impl->context);
  AGDB_TRY(impl->server, HttpServer::open(std::move(options.http)));
  impl->server->start(impl->table.router(*impl->context));
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;

const HttpAddress& ApiServer::address() const {
  return impl_->server->address();
}

}  // namespace agdb

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "debug/store/trace_store.h"
#include "debug/trace/trace_source.h"
#include "ipc/api/answer_cache.h"
#include "ipc/daemon/loop_gate.h"
#include "ipc/http/http_server.h"
#include "runtime/events/clock.h"

namespace agdb {

// What the handlers of the API work on. Outlives the server; any of its workers.
struct ApiContext {
  std::string records_dir;
  std::string traces_dir;  // of spans
  std::string version;
  TraceStore& store;
  // The daemon's loop. A handler waits for its answers; the loop never waits for a handler.
  LoopGate& gate;
  const Clock& clock;
  // Of the server that serves this.
  std::function<HttpCounts()> http_counts = {};
  // Of the routes that say so (Route::cached).
  std::shared_ptr<AnswerCache> answers = std::make_shared<AnswerCache>();
  // Secrets that answers would have told. Handlers that stream add theirs.
  std::shared_ptr<std::atomic<std::uint64_t>> masked =
      std::make_shared<std::atomic<std::uint64_t>>(0);

  TracePlaces places() const { return {.records_dir = records_dir, .traces_dir = traces_dir}; }
  // Asks the daemon as a peer at its socket would (ipc/README.md).
  Result<Json> call(std::string_view method, Json params = Json::object()) const;
  std::int64_t unix_now() const;
};

}  // namespace agdb

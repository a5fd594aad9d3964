#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ipc/http/http_server.h"
#include "ipc/ingest/trace_collector.h"
#include "runtime/events/json.h"

namespace agdb {

struct OtlpIngestOptions {
  HttpServerOptions http;
  std::string records_dir;
  std::string traces_dir;
  CollectorLimits limits;
  // Of traces that are complete and wait to be written; with more, requests are answered 503, and
  // whoever sent them tries again.
  std::size_t waiting_bytes = std::size_t{128} << 20;
  // One line for a log, from any thread.
  std::function<void(const std::string& line)> log;
};

// Takes spans from any instrumented agent: OTLP/JSON over HTTP at POST /v1/traces. Traces become
// recordings, or are kept as spans, on a thread of its own (README.md).
class OtlpIngest {
 public:
  // Errors as HttpServer::open's. `clock` outlives it.
  static Result<std::unique_ptr<OtlpIngest>> open(OtlpIngestOptions options, const Clock& clock);
  // Closes.
  ~OtlpIngest();
  OtlpIngest(const OtlpIngest&) = delete;
  OtlpIngest& operator=(const OtlpIngest&) = delete;

  const HttpAddress& address() const;
  // What came and what became of it, since it was opened. Any thread.
  Json status() const;
  // Takes no more, writes what has come so far, complete or not, and returns when that is done.
  void close();

 private:
  struct Impl;
  explicit OtlpIngest(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb

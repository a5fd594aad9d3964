#include "ipc/ingest/otlp_ingest.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "ipc/http/problem.h"
#include "ipc/ingest/otlp_request.h"
#include "ipc/ingest/trace_keeper.h"
#include "ipc/otlp/gzip.h"

namespace agdb {
namespace {

constexpr std::size_t kMaxBody = std::size_t{16} << 20;
constexpr std::size_t kMaxText = std::size_t{64} << 20;
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/x-protobuf";
// The clock is not this thread's condition variable's, so it looks now and then.
constexpr std::chrono::milliseconds kLook{200};

struct Counts {
  std::uint64_t requests = 0;
  std::uint64_t spans = 0;
  std::uint64_t rejected_spans = 0;    // without the ids that they need
  std::uint64_t refused_requests = 0;  // for want of room; whoever sent them tries again
  std::uint64_t recordings = 0;
  std::uint64_t kept_traces = 0;     // as spans
  std::uint64_t dropped_spans = 0;   // of those, for another of the same id
  std::uint64_t dropped_traces = 0;  // that could not be written
};

HttpResponse accepted(const OtlpRequest& request) {
  Json partial = Json::object();
  if (request.rejected > 0) {
    // Numbers of 64 bits are texts in OTLP/JSON.
    partial.set("rejectedSpans", std::to_string(request.rejected));
    partial.set("errorMessage", request.rejected_why);
  }
  return json_response(Json::object({{"partialSuccess", std::move(partial)}}));
}

// As a body came, or unpacked.
Result<std::string> text_of(HttpRequest& request) {
  const std::string_view coding = request.header("content-encoding").value_or("identity");
  if (coding == "identity") return std::move(request.body);
  if (coding == "gzip") return gunzip(request.body, kMaxText);
  return fail(Code::kUnsupported, fmt::format("unknown content coding \"{}\"", coding));
}

HttpResponse refusal(const Error& error) {
  if (error.code == Code::kExhausted) return problem(413, error.message);
  if (error.code == Code::kUnsupported)
    return problem(415, error.message, "send it as it is, or gzip");
  return problem(error);
}

}  // namespace

struct OtlpIngest::Impl {
  Impl(OtlpIngestOptions given, const Clock& time)
      : options(std::move(given)),
        clock(time),
        collector(options.limits),
        keeper(options.records_dir, options.traces_dir, clock, options.log) {}

  Router router() {
    Router router;
    router.add({.method = "POST",
                .pattern = "/v1/traces",
                .handler = [this](HttpRequest& request) { return take(request); },
                .max_body = kMaxBody,
                .body_types = {std::string(kJson), std::string(kProtobuf)}});
    return router;
  }

  HttpResponse take(HttpRequest& http) {
    if (http.header("content-type").value_or("").starts_with(kProtobuf))
      return problem(415, "spans are taken as JSON (application/json), not as protobuf",
                     "OTEL_EXPORTER_OTLP_PROTOCOL=http/json");
    const Result<std::string> text = text_of(http);
    if (!text) return refusal(text.error());
    Result<OtlpRequest> request = read_otlp_request(*text);
    if (!request) return refusal(request.error());
    return take(*std::move(request));
  }

  HttpResponse take(OtlpRequest request) {
    {
      const std::scoped_lock lock(mutex);
      if (waiting_bytes > options.waiting_bytes) {
        ++counts.refused_requests;
        HttpResponse response = problem(503, "too many traces wait to be written", "try again");
        response.headers.push_back({"Retry-After", "1"});
        return response;
      }
      ++counts.requests;
      counts.spans += request.spans;
      counts.rejected_spans += request.rejected;
      const Nanoseconds now = clock.now();
      for (TracePiece& piece : request.pieces) collector.add(std::move(piece), now);
    }
    ready.notify_one();
    return accepted(request);
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      hand_over(closing ? collector.take_all() : collector.take_complete(clock.now()));
      if (!waiting.empty()) {
        keep_next(lock);
      } else if (closing) {
        return;
      } else {
        ready.wait(lock, [this] { return closing || !collector.empty(); });
        ready.wait_for(lock, kLook, [this] { return closing; });
      }
    }
  }

  void hand_over(std::vector<TracePiece> complete) {
    for (TracePiece& trace : complete) {
      waiting_bytes += trace.text.size();
      waiting.push_back(std::move(trace));
    }
  }

  void keep_next(std::unique_lock<std::mutex>& lock) {
    const TracePiece trace = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    const Result<TraceKeeper::Kept> kept = keeper.keep(trace);
    if (!kept && options.log)
      options.log(fmt::format("trace {} is lost: {}", trace.trace_id, kept.error().message));
    lock.lock();
    waiting_bytes -= trace.text.size();
    if (!kept) {
      ++counts.dropped_traces;
      return;
    }
    counts.recordings += kept->recordings;
    counts.kept_traces += kept->spans ? 1 : 0;
    counts.dropped_spans += kept->dropped_spans;
  }

  void close() {
    // Its handlers end before anything is written, so nothing comes behind that.
    server.reset();
    {
      const std::scoped_lock lock(mutex);
      if (std::exchange(closing, true)) return;
    }
    ready.notify_one();
    worker.join();
  }

  const OtlpIngestOptions options;
  const Clock& clock;
  HttpAddress address;

  mutable std::mutex mutex;  // all below but keeper, which is the worker's
  std::condition_variable ready;
  TraceCollector collector;
  std::deque<TracePiece> waiting;  // complete
  std::size_t waiting_bytes = 0;
  Counts counts;
  bool closing = false;
  TraceKeeper keeper;
  std::thread worker;
  std::unique_ptr<HttpServer> server;
};

Result<std::unique_ptr<OtlpIngest>> OtlpIngest::open(OtlpIngestOptions options,
                                                     const Clock& clock) {
  HttpServerOptions http = options.http;
  auto impl = std::make_unique<Impl>(std::move(options), clock);
  AGDB_TRY(impl->server, HttpServer::open(std::move(http)));
  impl->address = impl->server->address();
  impl->worker = std::thread([i = impl.get()] { i->work(); });
  impl->server->start(impl->router());
  return std::unique_ptr<OtlpIngest>(new OtlpIngest(std::move(impl)));
}

OtlpIngest::OtlpIngest(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

OtlpIngest::~OtlpIngest() {
  close();
}

const HttpAddress& OtlpIngest::address() const {
  return impl_->address;
}

void OtlpIngest::close() {
  impl_->close();
}

Json OtlpIngest::status() const {
  const std::scoped_lock lock(impl_->mutex);
  const Counts& counts = impl_->counts;
  return Json::object({{"requests", counts.requests},
                       {"spans", counts.spans},
                       {"rejected_spans", counts.rejected_spans},
                       {"refused_requests", counts.refused_requests},
                       {"open_traces", impl_->collector.traces()},
                       {"waiting_traces", impl_->waiting.size()},
                       {"recordings", counts.recordings},
                       {"kept_traces", counts.kept_traces},
                       {"dropped_spans", counts.dropped_spans},
                       {"dropped_traces", counts.dropped_traces}});
}

}  // namespace agdb

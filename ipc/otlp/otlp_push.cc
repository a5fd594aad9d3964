#include "ipc/otlp/otlp_push.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <random>
#include <thread>
#include <utility>

#include "ipc/otlp/gzip.h"
#include "runtime/events/json.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr unsigned kStatusOk = 200;
constexpr unsigned kStatusTooLarge = 413;
constexpr unsigned kHttpVersion = 11;
// Of what a collector says, so much stands in a message.
constexpr std::size_t kMaxSaidCharacters = 200;

bool is_success(unsigned status) {
  return status >= kStatusOk && status < kStatusOk + 100;
}

// A google.rpc.Status as JSON, or text.
std::string said(const std::string& body) {
  const auto json = parse_json(body);
  std::string text(json ? json->text("message", body) : std::string_view(body));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return truncate(to_utf8(text), kMaxSaidCharacters);
}

std::string host_header(const OtlpUrl& url) {
  const bool v6 = url.host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", url.host, v6 ? "]" : "", url.port);
}

double system_random() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

}  // namespace

struct OtlpPush::Answer {
  unsigned status = 0;
  std::string body;
  std::string retry_after;
};

// One connection, kept as long as it lives.
struct OtlpPush::Http {
  Http(const OtlpUrl& to, const OtlpPushOptions& how) : url(to), options(how) {}

  // Runs what was begun with `start`, which is given what to call at its end.
  template <typename Start>
  ErrorCode run(Start start) {
    ErrorCode result = asio::error::would_block;
    start([&result](ErrorCode error, auto&&...) { result = error; });
    context.restart();
    context.run();
    return result;
  }

  std::unexpected<Error> broken(std::string_view what, const ErrorCode& error) {
    stream.reset();
    if (error == http::error::body_limit || error == http::error::header_limit)
      return fail(Code::kCorrupt, fmt::format("the answer of {} is larger than {} bytes",
                                              host_header(url), options.max_response_bytes));
    if (error == beast::error::timeout)
      return fail(Code::kUnavailable, fmt::format("{}: no answer within {}", host_header(url),
                                                  format_duration(options.timeout)));
    if (error.category() == http::make_error_code(http::error::bad_version).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message)
      return fail(Code::kCorrupt,
                  fmt::format("{} does not speak HTTP: {}", host_header(url), error.message()));
    return fail(Code::kUnavailable,
                fmt::format("{} {}: {}", what, host_header(url), error.message()));
  }

  Status connect() {
    ErrorCode error;
    asio::ip::tcp::resolver resolver(context);
    const auto addresses = resolver.resolve(url.host, std::to_string(url.port), error);
    if (error) return broken("cannot find", error);
    stream.emplace(context);
    stream->expires_after(options.timeout);
    error = run([&](auto done) { stream->async_connect(addresses, done); });
    if (error) return broken("cannot connect to", error);
    return {};
  }

  Result<Answer> post(const std::string& body) {
    if (!stream) AGDB_CHECK_OK(connect());
    http::request<http::span_body<const char>> request{http::verb::post, url.path, kHttpVersion};
    request.set(http::field::host, host_header(url));
    request.set(http::field::user_agent, "agdb/" AGDB_VERSION);
    request.set(http::field::content_type, "application/json");
    if (options.gzip) request.set(http::field::content_encoding, "gzip");
    request.body() = beast::span<const char>(body.data(), body.size());
    request.prepare_payload();
    stream->expires_after(options.timeout);
    ErrorCode error = run([&](auto done) { http::async_write(*stream, request, done); });
    // A collector that refuses what is too large answers before it has read all.
    if (error == beast::error::timeout) return broken("sending to", error);
    return read_answer(error);
  }

  Result<Answer> read_answer(const ErrorCode& writing) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(options.max_response_bytes);
    beast::flat_buffer buffer;
    ErrorCode error =
        run([&](auto done) { http::async_read_header(*stream, buffer, parser, done); });
    // Beast 1.74 does not hold a told length against the limit.
    if (!error && parser.content_length().value_or(0) > options.max_response_bytes)
      return broken("reading from", http::error::body_limit);
    if (!error) error = run([&](auto done) { http::async_read(*stream, buffer, parser, done); });
    if (error) return broken(writing ? "sending to" : "reading from", writing ? writing : error);
    Answer answer;
    answer.status = parser.get().result_int();
    answer.retry_after = std::string(parser.get()[http::field::retry_after]);
    answer.body = std::move(parser.get().body());
    if (writing || !parser.keep_alive()) stream.reset();
    return answer;
  }

  const OtlpUrl& url;
  const OtlpPushOptions& options;
  asio::io_context context;
  std::optional<beast::tcp_stream> stream;
};

OtlpPush::OtlpPush(OtlpUrl url, OtlpPushOptions options)
    : url_(std::move(url)), options_(std::move(options)) {
  if (!options_.wait)
    options_.wait = [](Nanoseconds wait) {
      std::this_thread::sleep_for(wait);
      return true;
    };
  if (!options_.random) options_.random = system_random;
  http_ = std::make_unique<Http>(url_, options_);
}

OtlpPush::~OtlpPush() = default;

Status OtlpPush::send(std::string_view request) {
  std::string body;
  if (options_.gzip) {
    AGDB_TRY(body, gzip(request));
  } else {
    body = request;
  }
  for (unsigned attempt = 1;; ++attempt) {
    Result<Answer> answer = http_->post(body);
    if (!answer && answer.error().code != Code::kUnavailable)
      return std::unexpected(std::move(answer).error());
    if (answer && !may_try_again(answer->status)) return settle(*answer);
    const Error why =
        answer ? Error{Code::kUnavailable,
                       fmt::format("{} answered {}{}{}", host_header(url_), answer->status,
                                   answer->body.empty() ? "" : ": ", said(answer->body))}
               : answer.error();
    if (attempt >= options_.retry.attempts)
      return fail(Code::kUnavailable,
                  fmt::format("{} ({} attempts)", why.message, options_.retry.attempts),
                  "is a collector listening there for OTLP over HTTP?");
    AGDB_CHECK_OK(wait_for_attempt(attempt + 1, answer ? &*answer : nullptr, why));
    ++retries_;
  }
}

Status OtlpPush::settle(const Answer& answer) {
  if (is_success(answer.status)) {
    ++sent_;
    note_partial_success(answer.body);
    return {};
  }
  return fail(Code::kInvalid,
              fmt::format("{} refused the spans with {}{}{}", host_header(url_), answer.status,
                          answer.body.empty() ? "" : ": ", said(answer.body)),
              answer.status == kStatusTooLarge ? "the collector allows less in one request" : "");
}

Status OtlpPush::wait_for_attempt(unsigned attempt, const Answer* answer, const Error& why) {
  Nanoseconds wait = wait_before(attempt, options_.retry, options_.random());
  if (answer != nullptr && !answer->retry_after.empty()) {
    const auto asked = read_retry_after(answer->retry_after, RealClock().wall());
    if (asked && *asked > options_.retry.longest_asked)
      return fail(Code::kUnavailable, fmt::format("{}, and wants to be left alone for {}",
                                                  why.message, format_duration(*asked)));
    if (asked) wait = *asked;
  }
  if (options_.note)
    options_.note(fmt::format("{}; trying again in {}", why.message,
                              format_duration(std::chrono::ceil<std::chrono::milliseconds>(wait))));
  if (!options_.wait(wait)) return fail(Code::kCancelled, "given up while waiting: " + why.message);
  return {};
}

// An answer that is no JSON is a success all the same: the status says so.
void OtlpPush::note_partial_success(const std::string& body) {
  const auto json = parse_json(body);
  if (!json) return;
  const Json& partial = (*json)["partialSuccess"];
  std::uint64_t rejected = partial["rejectedSpans"].to_uint().value_or(0);
  if (const auto text = partial["rejectedSpans"].to_string())
    std::from_chars(text->data(), text->data() + text->size(), rejected);
  rejected_ += rejected;
  if (const std::string_view why = partial.text("errorMessage"); !why.empty())
    rejected_why_ = said(std::string(why));
}

}  // namespace agdb

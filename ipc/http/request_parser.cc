#include "ipc/http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "runtime/events/text.h"

namespace agdb {
namespace {

namespace http = boost::beast::http;

// What one piece of a body (a chunk's head, a trailer) may be, and the blank lines before a
// request.
constexpr std::size_t kMaxUnused = 16 << 10;

std::string_view view_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Whether the first line is one of HTTP, whatever the version: three words, of which the last is
// it.
bool tells_version(std::string_view bytes) {
  static constexpr std::string_view kForm = " HTTP/d.d";
  std::string_view line = bytes.substr(0, bytes.find("\r\n"));
  if (line.size() < kForm.size() || std::ranges::count(line, ' ') != 2) return false;
  line.remove_prefix(line.size() - kForm.size());
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = line[i] >= '0' && line[i] <= '9';
    if (kForm[i] == 'd' ? !digit : line[i] != kForm[i]) return false;
  }
  return true;
}

// Why Beast does not take the head that begins so, as a status.
int status_of(const boost::beast::error_code& error, std::string_view bytes = {}) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::bad_version && tells_version(bytes)) return 505;
  return 400;
}

}  // namespace

struct RequestParser::Rep {
  http::request_parser<http::string_body> parser;
  // Called when the head of a chunk has come; the parser holds a reference.
  std::function<void(std::uint64_t size, boost::beast::string_view extensions,
                     boost::beast::error_code& error)>
      on_chunk;
};

RequestParser::RequestParser(const HttpSizes& sizes)
    : sizes_(sizes), rep_(std::make_unique<Rep>()) {
  const std::size_t most = sizes.target + sizes.headers + 64;
  rep_->parser.header_limit(static_cast<std::uint32_t>(most));
  // set_body_limit's is checked here.
  rep_->parser.body_limit(std::numeric_limits<std::uint64_t>::max());
}

RequestParser::~RequestParser() = default;

RequestParser::Step RequestParser::refuse(int status, std::string why) {
  status_ = status;
  why_ = std::move(why);
  return Step::kRefused;
}

RequestParser::Step RequestParser::feed(std::string_view bytes, std::size_t& used) {
  used = 0;
  return head_told_ ? feed_body(bytes, used) : feed_head(bytes, used);
}

RequestParser::Step RequestParser::feed_head(std::string_view bytes, std::size_t& used) {
  boost::beast::error_code error;
  while (!rep_->parser.is_header_done()) {
    const std::string_view rest = bytes.substr(used);
    if (rest.empty()) return Step::kMore;
    const std::size_t taken =
        rep_->parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    used += taken;
    head_bytes_ += taken;
    if (error == http::error::need_more) return check_size_of_part(bytes.substr(used));
    if (error)
      return refuse(status_of(error, rest),
                    fmt::format("the request is no HTTP: {}", error.message()));
  }
  return take_head();
}

// Of a head that is not complete: which of its parts is too long already.
RequestParser::Step RequestParser::check_size_of_part(std::string_view bytes) {
  const std::size_t line_end = bytes.find("\r\n");
  const std::size_t line = std::min(line_end, bytes.size());
  if (rep_->parser.get().target().empty() && line > sizes_.target + 64)
    return refuse(414, fmt::format("the target is over {} bytes", sizes_.target));
  if (bytes.size() > sizes_.target + sizes_.headers)
    return refuse(431, fmt::format("the headers are over {} bytes", sizes_.headers));
  return Step::kMore;
}

RequestParser::Step RequestParser::take_head() {
  head_told_ = true;
  const auto& head = rep_->parser.get();
  const std::string_view target = view_of(head.target());
  if (target.size() > sizes_.target)
    return refuse(414, fmt::format("the target is over {} bytes", sizes_.target));
  // "GET / HTTP/1.1", and the two line ends that are of no header.
  const std::size_t first_line = head.method_string().size() + target.size() + 10;
  if (head_bytes_ > first_line + sizes_.headers + 4)
    return refuse(431, fmt::format("the headers are over {} bytes", sizes_.headers));
  for (const auto& field : head) {
    if (request_.headers.size() >= sizes_.fields)
      return refuse(431, fmt::format("there are over {} headers", sizes_.fields));
    request_.headers.push_back(
        {to_lower_ascii(view_of(field.name_string())), std::string(view_of(field.value()))});
  }
  request_.minor_version = head.version() == 10 ? 0 : 1;
  request_.method = view_of(head.method_string());
  if (const Step step = check_framing(); step != Step::kHead) return step;
  if (head.method() == http::verb::unknown || head.method() == http::verb::connect)
    return refuse(501, fmt::format("no method {}", to_utf8(request_.method.substr(0, 40))));
  Result<Target> decoded = parse_target(target);
  if (!decoded) return refuse(400, decoded.error().message);
  request_.target = *std::move(decoded);
  request_.raw_target = target;
  return Step::kHead;
}

// Where a message ends must be beyond doubt: who stands between could see another end.
RequestParser::Step RequestParser::check_framing() {
  const std::size_t lengths = request_.count("content-length");
  const std::size_t encodings = request_.count("transfer-encoding");
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0))
    return refuse(400, "the length of the body is told twice");
  // Beast takes "1, 1".
  if (lengths == 1 &&
      request_.header("content-length")->find_first_not_of("0123456789") != std::string_view::npos)
    return refuse(400, "Content-Length is no number");
  if (encodings == 0) return Step::kHead;
  if (request_.minor_version == 0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
  if (to_lower_ascii(*request_.header("transfer-encoding")) != "chunked")
    return refuse(501, "no Transfer-Encoding but chunked");
  return Step::kHead;
}

void RequestParser::set_body_limit(std::size_t bytes) {
  body_limit_ = bytes;
  rep_->on_chunk = [this](std::uint64_t size, boost::beast::string_view,
                          boost::beast::error_code& error) {
    if (size > body_limit_ - std::min(body_limit_, body_bytes())) error = http::error::body_limit;
  };
  rep_->parser.on_chunk_header(rep_->on_chunk);
}

RequestParser::Step RequestParser::feed_body(std::string_view bytes, std::size_t& used) {
  const auto too_large = [&] {
    return refuse(413, fmt::format("the body is over {} bytes", body_limit_));
  };
  auto& parser = rep_->parser;
  if (const auto length = parser.content_length(); length && *length > body_limit_)
    return too_large();
  parser.eager(true);
  boost::beast::error_code error;
  while (!parser.is_done()) {
    const std::string_view rest = bytes.substr(used);
    if (rest.empty()) return Step::kMore;
    used += parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    if (error == http::error::body_limit || body_bytes() > body_limit_) return too_large();
    if (error == http::error::need_more) {
      if (bytes.size() - used > kMaxUnused) return refuse(400, "a chunk's head is too long");
      return Step::kMore;
    }
    if (error)
      return refuse(status_of(error), fmt::format("the body is no HTTP: {}", error.message()));
  }
  request_.body = std::move(parser.get().body());
  return Step::kDone;
}

HttpRequest& RequestParser::request() {
  return request_;
}

bool RequestParser::has_body() const {
  return rep_->parser.chunked() || rep_->parser.content_length().value_or(0) > 0;
}

bool RequestParser::expects_continue() const {
  const auto expect = request_.header("expect");
  return expect && request_.minor_version > 0 && to_lower_ascii(*expect) == "100-continue";
}

bool RequestParser::keep_alive() const {
  return rep_->parser.is_header_done() && rep_->parser.keep_alive();
}

std::size_t RequestParser::body_bytes() const {
  return rep_->parser.get().body().size();
}

}  // namespace agdb

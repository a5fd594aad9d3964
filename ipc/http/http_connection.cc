#include "ipc/http/http_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <utility>  // before asio 1.74, which needs std::exchange

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <exception>

#include "ipc/http/event_stream.h"
#include "ipc/http/problem.h"
#include "ipc/http/response_head.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 16 << 10;
// What is pulled of a body at a time, at least: each time takes two changes of threads.
constexpr std::size_t kPieceBytes = 32 << 10;
// What is still read of a peer that has its last answer: closing at once could take it away again.
constexpr std::chrono::milliseconds kLingerTime{2000};
constexpr std::size_t kMaxLingerBytes = 1 << 20;

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
  out.append(piece).append("\r\n");
}

std::string media_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  return to_lower_ascii(value);
}

// Handlers are ours and do not throw; what they call may run out of memory.
HttpResponse handle(const HttpRoute& route, HttpRequest& request) {
  try {
    return route.handler(request);
  } catch (const std::exception& error) {
    return problem(500, fmt::format("the request could not be handled: {}", error.what()));
  }
}

Result<bool> pull(const BodySource& source, std::string& piece) {
  try {
    for (;;) {
      AGDB_TRY(const bool more, source(piece));
      if (!more || piece.size() >= kPieceBytes) return more;
    }
  } catch (const std::exception& error) {
    return fail(Code::kIo, error.what());
  }
}

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(const std::shared_ptr<asio::io_context>& loop, int fd,
                 std::shared_ptr<HttpShared> shared, bool welcome)
      : weak_loop_(loop),
        loop_(*loop),
        socket_(*loop),
        deadline_timer_(*loop),
        pause_timer_(*loop),
        shared_(std::move(shared)),
        welcome_(welcome) {
    ++(welcome_ ? shared_->connections : shared_->turned_away);
    if (!welcome_) ++shared_->turning_away;
    adopt(fd);
  }

  ~HttpConnection() {
    let_go();
    release_body();
    if (welcome_) {
      --shared_->connections;
    } else {
      --shared_->turning_away;
    }
  }

  void start() {
    if (!socket_.is_open()) return;
    if (!welcome_) return refuse(problem(503, "there are too many connections"));
    begin_request(shared_->limits.head_time);
  }

 private:
  // What the deadline is for.
  enum class Phase { kIdle, kHead, kBody, kHandling, kWriting, kEvents, kLinger, kClosed };

  void adopt(int fd) {
    ErrorCode error;
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    const bool known = ::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
    const bool six = known && name.ss_family == AF_INET6;
    socket_.assign(six ? tcp::v6() : tcp::v4(), fd, error);
    if (error) return;
    socket_.set_option(tcp::no_delay(true), error);
    const tcp::endpoint peer = socket_.remote_endpoint(error);
    if (!error) peer_ = HttpAddress{peer.address().to_string(error), peer.port()}.text();
  }

  // The timer is set anew only where it would come too late: moving the deadline away, as every
  // request does, costs nothing.
  void set_deadline(Phase phase, std::chrono::milliseconds time) {
    phase_ = phase;
    deadline_ = SteadyClock::now() + time;
    if (armed_for_ && *armed_for_ <= deadline_) return;
    arm();
  }

  void no_deadline(Phase phase) {
    phase_ = phase;
    deadline_ = SteadyClock::time_point::max();
  }

  void arm() {
    armed_for_ = deadline_;
    deadline_timer_.expires_at(deadline_);
    deadline_timer_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
      const auto self = weak.lock();
      if (!error && self) self->on_timer();
    });
  }

  void on_timer() {
    armed_for_.reset();
    if (phase_ == Phase::kClosed || deadline_ == SteadyClock::time_point::max()) return;
    if (SteadyClock::now() < deadline_) return arm();
    if (phase_ == Phase::kHead) return refuse(problem(408, "the request's head took too long"));
    if (phase_ == Phase::kBody) return refuse(problem(408, "the request's body comes too slowly"));
    if (phase_ == Phase::kWriting || phase_ == Phase::kEvents) return cut();
    close();
  }

  std::string_view unread() const { return std::string_view(in_).substr(in_begin_); }

  void consume(std::size_t bytes) {
    in_begin_ += bytes;
    if (in_begin_ == in_.size()) {
      in_.clear();
      in_begin_ = 0;
    } else if (in_begin_ > kReadBytes) {
      in_.erase(0, in_begin_);
      in_begin_ = 0;
    }
  }

  void begin_request(std::chrono::milliseconds idle) {
    parser_ = std::make_unique<RequestParser>(shared_->limits.sizes);
    early_.reset();
    route_ = nullptr;
    if (unread().empty()) {
      set_deadline(Phase::kIdle, idle);
      return read_more();
    }
    set_deadline(Phase::kHead, shared_->limits.head_time);
    feed();
  }

  void read_more() {
    socket_.async_read_some(asio::buffer(piece_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
                              self->on_read(error, bytes);
                            });
  }

  void on_read(const ErrorCode& error, std::size_t bytes) {
    if (phase_ != Phase::kIdle && phase_ != Phase::kHead && phase_ != Phase::kBody) return;
    if (error == asio::error::eof && phase_ != Phase::kIdle)
      return refuse(problem(400, "the request ends before its end"));
    if (error) return close();
    in_.append(piece_.data(), bytes);
    if (phase_ == Phase::kIdle) set_deadline(Phase::kHead, shared_->limits.head_time);
    feed();
  }

  void feed() {
    for (;;) {
      std::size_t used = 0;
      const RequestParser::Step step = parser_->feed(unread(), used);
      consume(used);
      switch (step) {
        case RequestParser::Step::kMore:
          if (!account_body()) return;
          if (phase_ == Phase::kBody) await_body();
          return read_more();
        case RequestParser::Step::kHead:
          if (!on_head()) return;
          break;
        case RequestParser::Step::kDone:
          return dispatch();
        case RequestParser::Step::kRefused:
          return refuse(problem(parser_->status(), parser_->why()));
      }
    }
  }

  // false: it is refused, and the body is not read.
  bool on_head() {
    HttpRequest& request = parser_->request();
    request.peer = peer_;
    early_ = look_at(request);
    if (!parser_->has_body()) return true;
    if (early_) {
      refuse(*std::exchange(early_, std::nullopt));
      return false;
    }
    parser_->set_body_limit(route_->max_body);
    body_began_ = SteadyClock::now();
    await_body();
    if (parser_->expects_continue() && unread().empty()) {
      std::size_t used = 0;
      if (parser_->feed({}, used) == RequestParser::Step::kRefused) {
        refuse(problem(parser_->status(), parser_->why()));
        return false;
      }
      say_continue();
      return false;
    }
    return true;
  }

  // Until the next bytes of it, but not longer than what has come of it pays for: one byte now and
  // then is no stall, and would hold the connection for ever.
  void await_body() {
    const HttpLimits& limits = shared_->limits;
    const std::chrono::milliseconds paid{1000 * parser_->body_bytes() / limits.body_rate};
    const auto latest = body_began_ + limits.body_grace + paid;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(latest - SteadyClock::now());
    set_deadline(Phase::kBody, std::min(limits.body_stall, left));
  }

  // Whether the request may be handled, and by whom; the answer where it may not.
  std::optional<HttpResponse> look_at(HttpRequest& request) {
    if (auto refused = shared_->guard.refuse(request)) return refused;
    if (request.target.asterisk) {
      if (request.method != "OPTIONS") return problem(400, "only OPTIONS is asked of *");
      return HttpResponse{.status = 204,
                          .headers = {{"Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS"}}};
    }
    Router::Match match = shared_->router.find(request.method, request.target.path);
    if (match.allow.empty()) return problem(404, "there is nothing at this path");
    if (request.method == "OPTIONS")
      return HttpResponse{.status = 204, .headers = {{"Allow", match.allow}}};
    if (match.route == nullptr) {
      HttpResponse wrong = problem(405, fmt::format("this path has no {}", request.method));
      wrong.headers.push_back({"Allow", match.allow});
      return wrong;
    }
    route_ = match.route;
    request.names = std::move(match.names);
    return wrong_media_type(request);
  }

  std::optional<HttpResponse> wrong_media_type(const HttpRequest& request) const {
    if (!parser_->has_body() || route_->body_types.empty()) return std::nullopt;
    const std::string type = media_type(request.header("content-type").value_or(""));
    for (const std::string& taken : route_->body_types)
      if (type == taken) return std::nullopt;
    return problem(415, fmt::format("the body must be {}", fmt::join(route_->body_types, " or ")),
                   "Content-Type says what it is");
  }

  void say_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                        if (self->phase_ != Phase::kBody) return;
                        if (error) return self->close();
                        self->feed();
                      });
  }

  // false: all requests together bring more than is taken at a time.
  bool account_body() {
    shared_->body_bytes -= std::exchange(body_bytes_, parser_->body_bytes());
    shared_->body_bytes += body_bytes_;
    if (shared_->body_bytes <= shared_->limits.body_bytes) return true;
    refuse(problem(503, "too much is being sent at a time; try again"));
    return false;
  }

  void release_body() { shared_->body_bytes -= std::exchange(body_bytes_, 0); }

  void dispatch() {
    HttpRequest& request = parser_->request();
    keep_alive_ = parser_->keep_alive();
    minor_version_ = request.minor_version;
    head_only_ = request.method == "HEAD";
    no_deadline(Phase::kHandling);
    if (!early_ && route_->at_once && request.body.empty()) early_ = route_->at_once(request);
    if (early_) return respond(*std::exchange(early_, std::nullopt));
    shared_->workers.post([self = shared_from_this(), route = route_,
                           asked = std::move(request)]() mutable {
      HttpResponse response = handle(*route, asked);
      asked = {};
      give_back(std::move(self), [done = std::move(response)](HttpConnection& connection) mutable {
        connection.respond(std::move(done));
      });
    });
  }

  // From a worker to the loop's thread. The worker's pointer goes along: a connection ends where
  // its sockets and the shared counts are used.
  template <typename Then>
  static void give_back(std::shared_ptr<HttpConnection> self, Then then) {
    asio::io_context& loop = self->loop_;
    asio::post(loop, [self = std::move(self), then = std::move(then)]() mutable { then(*self); });
  }

  // The last answer of this connection, whatever else was being sent to it.
  void refuse(HttpResponse response) {
    if (parser_ && parser_->request().method == "HEAD") head_only_ = true;
    keep_alive_ = false;
    respond(std::move(response));
  }

  void respond(HttpResponse response) {
    release_body();
    if (phase_ == Phase::kClosed) return;
    ++shared_->requests;
    if (response.status >= 400) ++(response.status < 500 ? shared_->refused : shared_->failed);
    response_ = std::move(response);
    if (response_.source && !head_only_) return pull_piece();
    if (response_.events && !head_only_) {
      events_ = std::move(response_.events);
      keep_alive_ = false;
    }
    out_ = head();
    std::string body = head_only_ ? "" : std::move(response_.body);
    if (events_) return begin_events();
    body_ = std::move(body);
    write([this] { finish_response(); });
  }

  std::string head() {
    const bool streamed = response_.source || response_.events || events_;
    ResponseFraming framing{.length = response_.body.size(), .minor_version = minor_version_};
    if (streamed) framing.end = minor_version_ == 0 ? BodyEnd::kClose : BodyEnd::kChunked;
    if (framing.end == BodyEnd::kClose) keep_alive_ = false;
    framing.keep_alive = keep_alive_;
    head_sent_ = true;
    return response_head(response_, framing, shared_->date());
  }

  void pull_piece() {
    no_deadline(Phase::kHandling);
    shared_->workers.post(
        [self = shared_from_this(), source = std::move(response_.source)]() mutable {
          std::string piece;
          Result<bool> more = pull(source, piece);
          give_back(std::move(self), [source = std::move(source), piece = std::move(piece),
                                      more = std::move(more)](HttpConnection& connection) mutable {
            connection.response_.source = std::move(source);
            connection.on_piece(piece, more);
          });
        });
  }

  void on_piece(const std::string& piece, const Result<bool>& more) {
    if (phase_ == Phase::kClosed) return;
    if (!more && !head_sent_) return respond(problem(more.error()));
    if (!more) return cut();
    out_ = head_sent_ ? "" : head();
    add_piece(piece, !*more);
    write([this, ended = !*more] {
      if (ended) return finish_response();
      pull_piece();
    });
  }

  void add_piece(std::string_view piece, bool last) {
    if (minor_version_ == 0) {
      out_ += piece;
      return;
    }
    append_chunk(out_, piece);
    if (last) out_ += "0\r\n\r\n";
  }

  // Writes out_ and body_; the deadline moves on with whatever the peer takes.
  template <typename Then>
  void write(Then then) {
    set_deadline(Phase::kWriting, shared_->limits.write_stall);
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(out_), asio::buffer(body_)};
    asio::async_write(
        socket_, buffers,
        [this](const ErrorCode& error, std::size_t) -> std::size_t {
          if (error) return 0;
          deadline_ = SteadyClock::now() + shared_->limits.write_stall;
          return 1 << 20;
        },
        [self = shared_from_this(), then](const ErrorCode& error, std::size_t) {
          if (self->phase_ != Phase::kWriting) return;
          if (error) return self->close();
          then();
        });
  }

  void finish_response() {
    let_go();
    response_ = {};
    out_.clear();
    body_ = {};
    head_sent_ = false;
    if (!keep_alive_) return linger();
    begin_request(shared_->limits.idle_time);
  }

  void begin_events() {
    write([this] {
      events_->attach([io = weak_loop_, weak = weak_from_this()] {
        const std::shared_ptr<asio::io_context> loop = io.lock();
        if (!loop) return;
        asio::post(*loop, [weak] {
          if (const auto self = weak.lock()) self->pump();
        });
      });
      no_deadline(Phase::kEvents);
      watch_peer();
      set_pause();
      pump();
    });
  }

  void pump() {
    if (phase_ != Phase::kEvents) return;
    std::string text;
    const bool more = events_->take(text);
    if (text.empty() && more) return;
    send_events(text, !more);
  }

  void send_events(std::string_view text, bool last) {
    out_.clear();
    add_piece(text, last);
    write([this, last] {
      if (last) return finish_response();
      no_deadline(Phase::kEvents);
      pump();
    });
  }

  void set_pause() {
    pause_timer_.expires_after(shared_->limits.event_pause);
    pause_timer_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
      const auto self = weak.lock();
      if (error || !self || !self->events_) return;
      self->set_pause();
      if (self->phase_ == Phase::kEvents) self->send_events(": still here\n\n", false);
    });
  }

  // A client that goes says so by ending its side. What waits here keeps the connection alive.
  void watch_peer() {
    socket_.async_read_some(asio::buffer(piece_),
                            [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
                              if (!self->events_) return;
                              self->in_.append(self->piece_.data(), bytes);
                              if (error || self->in_.size() > kReadBytes) return self->close();
                              self->watch_peer();
                            });
  }

  void let_go() {
    pause_timer_.cancel();
    if (const auto events = std::exchange(events_, nullptr)) events->leave();
    if (response_.events) std::exchange(response_.events, nullptr)->leave();
  }

  void linger() {
    ErrorCode error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error) return close();
    set_deadline(Phase::kLinger, kLingerTime);
    drain(0);
  }

  void drain(std::size_t drained) {
    socket_.async_read_some(asio::buffer(piece_), [self = shared_from_this(), drained](
                                                      const ErrorCode& error, std::size_t bytes) {
      if (self->phase_ != Phase::kLinger) return;
      if (error || drained + bytes > kMaxLingerBytes) return self->close();
      self->drain(drained + bytes);
    });
  }

  // Ends in a way that the peer cannot take for the end of its answer.
  void cut() {
    ++shared_->cut;
    ErrorCode error;
    socket_.set_option(asio::socket_base::linger(true, 0), error);
    close();
  }

  void close() {
    if (std::exchange(phase_, Phase::kClosed) == Phase::kClosed) return;
    let_go();
    response_ = {};
    deadline_timer_.cancel();
    ErrorCode error;
    socket_.close(error);
  }

  const std::weak_ptr<asio::io_context> weak_loop_;
  asio::io_context& loop_;
  tcp::socket socket_;
  asio::steady_timer deadline_timer_;
  asio::steady_timer pause_timer_;
  const std::shared_ptr<HttpShared> shared_;
  const bool welcome_;
  std::string peer_;

  Phase phase_ = Phase::kIdle;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  std::optional<SteadyClock::time_point> armed_for_;

  std::array<char, kReadBytes> piece_;
  std::string in_;
  std::size_t in_begin_ = 0;
  std::unique_ptr<RequestParser> parser_;
  std::optional<HttpResponse> early_;  // known once the head was there
  const HttpRoute* route_ = nullptr;
  SteadyClock::time_point body_began_;
  std::size_t body_bytes_ = 0;  // of this request, in shared_->body_bytes

  bool keep_alive_ = false;
  bool head_only_ = false;
  bool head_sent_ = false;
  int minor_version_ = 1;
  HttpResponse response_;
  std::shared_ptr<EventStream> events_;
  std::string out_;
  std::string body_;
};

}  // namespace

const std::string& HttpShared::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (std::exchange(date_time, now) != now || date_text.empty()) date_text = http_date(now);
  return date_text;
}

void serve_connection(const std::shared_ptr<asio::io_context>& loop, int fd,
                      const std::shared_ptr<HttpShared>& shared) {
  std::make_shared<HttpConnection>(loop, fd, shared, true)->start();
}

void turn_away(const std::shared_ptr<asio::io_context>& loop, int fd,
               const std::shared_ptr<HttpShared>& shared) {
  std::make_shared<HttpConnection>(loop, fd, shared, false)->start();
}

}  // namespace agdb

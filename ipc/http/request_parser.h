#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/http/http_message.h"

namespace agdb {

// What a request may be at most, in bytes.
struct HttpSizes {
  std::size_t target = 8 << 10;
  std::size_t headers = 16 << 10;  // all lines behind the first
  std::size_t fields = 100;
};

// Takes one request out of the bytes of a connection. Knows no sockets.
//
//   while ((step = parser.feed(bytes, used)) == kMore) …
//   kHead: look at request(), then body_limit(), then feed on until kDone
class RequestParser {
 public:
  explicit RequestParser(const HttpSizes& sizes = {});
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Step {
    kMore,     // bytes are missing; those that were not used come again, with more behind
    kHead,     // the head is complete, once
    kDone,     // all is there
    kRefused,  // status() and why(); the connection cannot go on
  };
  // `used`: how many of the bytes are taken. After kHead feed is called again, for the body.
  Step feed(std::string_view bytes, std::size_t& used);

  // Of the body, once the head is there. A longer one is refused (413): where its length is told
  // before anything of it is read, where a chunk's is before the chunk.
  void set_body_limit(std::size_t bytes);

  // Complete after kDone; all but the body after kHead. Method and target are checked.
  HttpRequest& request();
  bool has_body() const;
  bool expects_continue() const;
  bool keep_alive() const;
  std::size_t body_bytes() const;

  int status() const { return status_; }
  const std::string& why() const { return why_; }

 private:
  struct Rep;
  Step feed_head(std::string_view bytes, std::size_t& used);
  Step feed_body(std::string_view bytes, std::size_t& used);
  Step check_size_of_part(std::string_view bytes);
  Step take_head();
  Step check_framing();
  Step refuse(int status, std::string why);

  const HttpSizes sizes_;
  std::unique_ptr<Rep> rep_;
  HttpRequest request_;
  bool head_told_ = false;
  std::size_t head_bytes_ = 0;  // taken so far, with the first line
  std::size_t body_limit_ = 0;
  int status_ = 0;
  std::string why_;
};

}  // namespace agdb

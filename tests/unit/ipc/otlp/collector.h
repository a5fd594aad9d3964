#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ipc/otlp/otlp_url.h"

namespace agdb {

// A collector on the loopback that gives the answers that a test wrote down, one for each request,
// and keeps what it was sent. Bytes are its language: it knows no HTTP library.
class Collector {
 public:
  struct Reply {
    std::string text;           // the whole answer; empty: the connection is closed instead
    bool close_after = false;   // although the answer did not say so
    bool stays_silent = false;  // until the other side goes
  };
  struct Request {
    std::string head;
    std::string body;
    std::size_t connection = 0;
  };

  explicit Collector(std::vector<Reply> replies);
  ~Collector();

  OtlpUrl url() const;
  // What was sent; nothing is answered any more.
  const std::vector<Request>& requests();

  static Reply ok(std::string body = "{}", std::string headers = "");
  static Reply status(const std::string& line, std::string body = "", std::string headers = "");

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace agdb

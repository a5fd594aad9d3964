#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "ipc/http/http_message.h"

namespace agdb {

// How the end of a body is known.
enum class BodyEnd { kLength, kChunked, kClose };

struct ResponseFraming {
  BodyEnd end = BodyEnd::kLength;
  std::size_t length = 0;
  bool keep_alive = true;
  int minor_version = 1;  // of who asked
};

// A response's head, with the empty line behind it: its own headers, its framing, the date, and
// what keeps browsers from making more of it than it is. Line ends in a header's value become
// blanks.
std::string response_head(const HttpResponse& response, const ResponseFraming& framing,
                          std::string_view date);

// "Sun, 08 Mar 2026 10:00:00 GMT".
std::string http_date(std::chrono::sys_seconds time);

}  // namespace agdb

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/http/target.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

class EventStream;  // ipc/http/event_stream.h

struct HttpField {
  std::string name;
  std::string value;

  bool operator==(const HttpField&) const = default;
};

// What somebody asks. Everything in it is a stranger's text: bounded and UTF-8 as far as the target
// goes, any bytes in header values and the body.
struct HttpRequest {
  std::string method;  // "GET"; never one that HTTP does not know
  Target target;
  std::string raw_target;          // as it came
  int minor_version = 1;           // of HTTP/1
  std::vector<HttpField> headers;  // names in lower case, as they came
  std::string body;
  std::string peer;                          // "127.0.0.1:50312"
  std::map<std::string, std::string> names;  // what the pattern's {names} stand for

  // The first header of that name (in lower case); nothing where there is none.
  std::optional<std::string_view> header(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

// The next piece of a body, appended to `out`; false: that was the last. Called by one worker at a
// time, when the peer has taken what came before. An error cuts the connection, so that nobody
// takes a part for the whole.
using BodySource = std::function<Result<bool>(std::string& out)>;

// What is answered: a body, or one that comes piece by piece, or events as they happen.
struct HttpResponse {
  int status = 200;
  std::vector<HttpField> headers = {};  // beside those that the server sets: length, date, safety
  std::string body = {};
  BodySource source = nullptr;
  std::shared_ptr<EventStream> events = nullptr;
};

using HttpHandler = std::function<HttpResponse(HttpRequest& request)>;

HttpResponse json_response(const Json& json, int status = 200);
HttpResponse text_response(std::string text, std::string_view content_type);

// "Not Found"; "Unknown" for a number that is none of those that are used here.
std::string_view reason_of(int status);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "ipc/http/http_message.h"
#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

class ApiCall;  // ipc/api/api_call.h

// A route of the API as data: what is declared here is checked of every request before the handler
// sees it, routed, and written into the OpenAPI document. So those three cannot differ.

struct Parameter {
  enum class In { kPath, kQuery };
  enum class Type { kText, kInteger, kBoolean };

  std::string name;
  std::string description;
  In in = In::kQuery;
  Type type = Type::kText;
  bool required = false;  // those of the path always are
  bool repeated = false;  // may come several times
  // Of an integer; of a text its bytes.
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> words = {};  // the only texts that are taken; empty: any
  std::string otherwise = {};           // what it counts as when it is missing, for the document
  std::string example = {};             // also what the test of the document asks with
};

// What a request brings along.
struct RequestBody {
  // JSON by default: checked against the schema, and handed over parsed. Of other types the handler
  // gets the bytes.
  std::vector<std::string> content_types = {"application/json"};
  Json schema = {};
  Json example = {};
  std::size_t max_bytes = 1 << 20;
};

struct RouteAnswer {
  int status = 200;
  std::string description = "done";
  std::string content_type = "application/json";  // empty: there is no body
  Json schema = {};                               // of JSON; null: text
  // That it may have instead, where the request says so; each is text.
  std::vector<std::string> other_types = {};
};

struct Route {
  std::string method;   // "GET"
  std::string path;     // "/v1/traces/{id}"
  std::string id;       // "getTrace"; of the document, unique
  std::string tag;      // the group it stands in: "traces"
  std::string summary;  // one line
  std::vector<Parameter> parameters = {};
  std::optional<RequestBody> body = {};
  // The first is what happens when all goes well. Failures are problem documents, always.
  std::vector<RouteAnswer> answers = {};
  // Its answers hold texts of agents: secrets in JSON are masked, and a parameter "raw" is declared
  // that leaves them. A handler that streams masks by itself (masked_answer.h).
  bool has_texts = false;
  // The answer to GET is the same until the store of runs changes: it is kept.
  bool cached = false;
  std::function<Result<HttpResponse>(const ApiCall& call)> handler = {};
};

}  // namespace agdb

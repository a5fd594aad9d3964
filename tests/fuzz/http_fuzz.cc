#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/http/request_parser.h"
#include "runtime/events/text.h"

namespace {

using agdb::HttpRequest;
using agdb::RequestParser;
using agdb::Target;
using Step = RequestParser::Step;

constexpr std::size_t kBodyLimit = 1000;

struct Outcome {
  Step step = Step::kMore;
  std::size_t used = 0;
  HttpRequest request;
};

// As a connection does it whose bytes come in pieces of that size.
Outcome read(std::string_view bytes, std::size_t piece) {
  RequestParser parser;
  parser.set_body_limit(kBodyLimit);
  Outcome outcome;
  std::size_t come = 0;
  while (outcome.step == Step::kMore || outcome.step == Step::kHead) {
    if (outcome.step == Step::kMore) {
      if (come == bytes.size()) return outcome;
      come = std::min(come + piece, bytes.size());
    }
    std::size_t used = 0;
    outcome.step = parser.feed(bytes.substr(outcome.used, come - outcome.used), used);
    AGDB_ASSERT(used <= come - outcome.used, "takes no more than there is");
    outcome.used += used;
  }
  if (outcome.step == Step::kRefused) {
    AGDB_ASSERT(parser.status() >= 400 && !parser.why().empty(), "says why");
    return outcome;
  }
  AGDB_ASSERT(parser.request().body.size() <= kBodyLimit, "no more than the limit");
  outcome.request = std::move(parser.request());
  return outcome;
}

std::string encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) encoded += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return encoded;
}

std::string write(const Target& target) {
  if (target.asterisk) return "*";
  std::string text = target.authority.empty() ? "" : "http://" + target.authority;
  for (const std::string& segment : target.path) text += "/" + encode(segment);
  if (target.path.empty()) text += "/";
  std::string sign = "?";
  for (const agdb::QueryPart& part : target.query) {
    text += sign + encode(part.name) + "=" + encode(part.value);
    sign = "&";
  }
  return text;
}

void check(const Target& target) {
  for (const std::string& segment : target.path)
    AGDB_ASSERT(agdb::is_utf8(segment) && segment != "." && segment != "..", segment);
  // One empty segment is written as the root.
  if (target.path == std::vector<std::string>{""}) return;
  const agdb::Result<Target> again = agdb::parse_target(write(target));
  AGDB_ASSERT(again && *again == target, "what we write we read: " + write(target));
}

}  // namespace

// Whatever the bytes, and in whatever pieces they come: the same request comes of them, or none;
// its target is decoded text that means the same when it is written again. The first byte is the
// size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(bytes, bytes.size() + 1);
  const Outcome pieces = read(bytes, piece);
  AGDB_ASSERT((whole.step == Step::kDone) == (pieces.step == Step::kDone),
              "pieces change a request");
  if (whole.step == Step::kDone) {
    AGDB_ASSERT(whole.used == pieces.used, "pieces change where a request ends");
    AGDB_ASSERT(whole.request.body == pieces.request.body, "pieces change a body");
    AGDB_ASSERT(whole.request.headers == pieces.request.headers, "pieces change headers");
    check(whole.request.target);
  }
  if (const agdb::Result<Target> target = agdb::parse_target(bytes)) check(*target);
  return 0;
}

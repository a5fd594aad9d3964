#include "ipc/http/problem.h"

namespace agdb {
namespace {

HttpResponse document(int status, std::string_view detail, std::string_view hint,
                      std::string_view code) {
  Json json = Json::object({{"type", "about:blank"},
                            {"title", reason_of(status)},
                            {"status", status},
                            {"detail", detail}});
  if (!code.empty()) json.set("code", code);
  if (!hint.empty()) json.set("hint", hint);
  HttpResponse response = json_response(json, status);
  response.headers = {{"Content-Type", "application/problem+json"}};
  return response;
}

}  // namespace

int status_of(Code code) {
  switch (code) {
    case Code::kNotFound:
      return 404;
    case Code::kInvalid:
      return 400;
    case Code::kPermission:
      return 403;
    case Code::kTimeout:
      return 504;
    case Code::kExhausted:
      return 429;
    case Code::kUnavailable:
    case Code::kCancelled:
      return 503;
    case Code::kUnsupported:
      return 501;
    case Code::kCorrupt:
    case Code::kIo:
      return 500;
  }
  return 500;
}

HttpResponse problem(const Error& error) {
  return document(status_of(error.code), error.message, error.hint, name_of(error.code));
}

HttpResponse problem(int status, std::string_view detail, std::string_view hint) {
  return document(status, detail, hint, {});
}

}  // namespace agdb

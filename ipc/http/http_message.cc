#include "ipc/http/http_message.h"

#include <algorithm>
#include <utility>

namespace agdb {

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &HttpField::name);
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

std::size_t HttpRequest::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count(headers, name, &HttpField::name));
}

HttpResponse json_response(const Json& json, int status) {
  HttpResponse response{.status = status, .headers = {{"Content-Type", "application/json"}}};
  dump_to(response.body, json, {.sorted = false});
  response.body += '\n';
  return response;
}

HttpResponse text_response(std::string text, std::string_view content_type) {
  return {.headers = {{"Content-Type", std::string(content_type)}}, .body = std::move(text)};
}

std::string_view reason_of(int status) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  const auto* const found =
      std::ranges::find(kReasons, status, [](const auto& r) { return r.first; });
  return found == std::end(kReasons) ? "Unknown" : found->second;
}

}  // namespace agdb

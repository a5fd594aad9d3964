#include "ipc/http/response_head.h"

#include <fmt/format.h>

namespace agdb {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out += "\r\n";
}

bool may_have_body(int status) {
  return status != 204 && status != 304 && status >= 200;
}

}  // namespace

std::string http_date(std::chrono::sys_seconds time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

std::string response_head(const HttpResponse& response, const ResponseFraming& framing,
                          std::string_view date) {
  std::string out;
  out.reserve(400);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 reason_of(response.status));
  for (const HttpField& field : response.headers) append_field(out, field.name, field.value);
  append_field(out, "Date", date);
  out += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (may_have_body(response.status)) {
    if (framing.end == BodyEnd::kLength)
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", framing.length);
    if (framing.end == BodyEnd::kChunked) out += "Transfer-Encoding: chunked\r\n";
  }
  if (!framing.keep_alive) out += "Connection: close\r\n";
  if (framing.keep_alive && framing.minor_version == 0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  return out;
}

}  // namespace agdb

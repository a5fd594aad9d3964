#include "tools/agdb/local_time.h"

#include <ctime>
#include <optional>

namespace agdb {
namespace {

std::optional<std::tm> parts_of(std::time_t seconds) {
  std::tm parts{};
  if (::localtime_r(&seconds, &parts) == nullptr) return std::nullopt;
  return parts;
}

std::optional<std::tm> parts_of(WallTime time) {
  return parts_of(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

std::string formatted(const std::optional<std::tm>& parts, const char* format) {
  if (!parts) return "";
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), format, &*parts));
}

}  // namespace

std::string local_time(WallTime time) {
  return formatted(parts_of(time), "%Y-%m-%d %H:%M:%S");
}

std::string short_time(WallTime time) {
  const std::optional<std::tm> then = parts_of(time);
  const std::optional<std::tm> now = parts_of(std::time(nullptr));
  const bool today = then && now && then->tm_year == now->tm_year && then->tm_yday == now->tm_yday;
  return formatted(then, today ? "%H:%M:%S" : "%m-%d %H:%M");
}

}  // namespace agdb

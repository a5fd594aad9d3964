#include "debug/context/section.h"

#include <fmt/format.h>

namespace agdb {

std::string section(std::string_view title, int dashes) {
  std::string text = fmt::format("\n── {} ", title);
  for (int i = 0; i < dashes; ++i) text += "─";
  return text += '\n';
}

}  // namespace agdb

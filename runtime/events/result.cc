#include "runtime/events/result.h"

#include <cstdio>
#include <cstdlib>

namespace agdb {

const char* name_of(Code code) {
  switch (code) {
    case Code::kNotFound:
      return "not_found";
    case Code::kInvalid:
      return "invalid";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kIo:
      return "io";
    case Code::kPermission:
      return "permission";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kTimeout:
      return "timeout";
    case Code::kExhausted:
      return "exhausted";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

void panic(const char* file, int line, const std::string& message) {
  std::fprintf(stderr, "agdb: internal error at %s:%d: %s\n", file, line, message.c_str());
  std::abort();
}

}  // namespace agdb

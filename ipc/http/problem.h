#pragma once

#include <string>
#include <string_view>

#include "ipc/http/http_message.h"

namespace agdb {

// Failures as problem documents (RFC 9457, application/problem+json): "type", "title", "status",
// "detail", and "code" (the name of our Code) and "hint" where there is one.

// Which status a failure of ours is: kNotFound 404, kInvalid 400, kPermission 403, kTimeout 504,
// kExhausted 429, kUnavailable and kCancelled 503, kUnsupported 501, kCorrupt and kIo 500.
int status_of(Code code);
HttpResponse problem(const Error& error);
// For what HTTP itself refuses.
HttpResponse problem(int status, std::string_view detail, std::string_view hint = {});

}  // namespace agdb

#pragma once

#include <expected>
#include <string>
#include <utility>

namespace agdb {

// What the caller should do about it, not where it happened.
enum class Code {
  kNotFound,     // the thing named does not exist
  kInvalid,      // the argument, option or state is wrong; the same call will fail again
  kCorrupt,      // bytes from outside are damaged or have the wrong shape
  kIo,           // the system refused: full disk, read error
  kPermission,   // not allowed to
  kUnsupported,  // a newer version, or something that this build cannot do
  kTimeout,      // took longer than it may
  kExhausted,    // a script, a budget or a limit has come to its end
  kUnavailable,  // the other side is not there, or failed for now; trying again may help
  kCancelled,    // somebody asked to stop
};

// The code's name as it appears in machine-readable output: "not_found", "invalid", ...
const char* name_of(Code code);

// An expected failure. `message` names the thing and says why ("recording 7-1 not found"), without
// a final full stop; `hint` says what the person can do about it, and may be empty. The command
// line joins them to one line: "agdb: <message>; <hint>".
struct Error {
  Code code = Code::kInvalid;
  std::string message;
  std::string hint = {};

  bool operator==(const Error&) const = default;
};

// The project's one way to report a failure. Libraries that throw are caught where they are called.
template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

// A broken invariant of our own: prints where, what and the values, and aborts. On in release.
[[noreturn]] void panic(const char* file, int line, const std::string& message);

}  // namespace agdb

#define AGDB_CONCAT_INNER(a, b) a##b
#define AGDB_CONCAT(a, b) AGDB_CONCAT_INNER(a, b)

// AGDB_TRY(auto x, f()): x is the value of f(), or the function returns f()'s error.
#define AGDB_TRY(declaration, expression)                                           \
  auto AGDB_CONCAT(agdb_result_, __LINE__) = (expression);                          \
  if (!AGDB_CONCAT(agdb_result_, __LINE__))                                         \
    return std::unexpected(std::move(AGDB_CONCAT(agdb_result_, __LINE__)).error()); \
  declaration = *std::move(AGDB_CONCAT(agdb_result_, __LINE__))

// AGDB_CHECK_OK(f()): the function returns f()'s error, if it has one.
#define AGDB_CHECK_OK(expression)                              \
  do {                                                         \
    if (auto agdb_status_ = (expression); !agdb_status_)       \
      return std::unexpected(std::move(agdb_status_).error()); \
  } while (false)

// An assertion that is on in release. Only for our own bugs, never for input.
#define AGDB_ASSERT(condition, message)                                                            \
  do {                                                                                             \
    if (!(condition)) ::agdb::panic(__FILE__, __LINE__, std::string(#condition ": ") + (message)); \
  } while (false)

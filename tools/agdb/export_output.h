#pragma once

#include <string>
#include <string_view>

#include "runtime/events/result.h"
#include "tools/agdb/console.h"

namespace agdb {

// Where a command writes a result that may be large: stdout, or a file that is there only when it
// is whole, and then for its owner alone. Until then it has another name, and goes when this does.
class ExportOutput {
 public:
  // An empty path: stdout.
  static Result<ExportOutput> open(Console& console, std::string path);
  ExportOutput(ExportOutput&& other) noexcept;
  ExportOutput& operator=(ExportOutput&&) = delete;
  ~ExportOutput();

  // kCancelled when stdout's reader has gone: no error of anybody, but there is no sense in going
  // on.
  Status write(std::string_view text);
  // Puts the file in its place.
  Status commit();
  std::uint64_t bytes() const { return bytes_; }

 private:
  ExportOutput(Console& console, std::string path, std::string temporary, int fd);

  Console* console_;
  std::string path_;
  std::string temporary_;  // empty: stdout, or done
  int fd_;
  std::uint64_t bytes_ = 0;
};

}  // namespace agdb

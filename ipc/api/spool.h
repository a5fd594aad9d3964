#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/http/http_message.h"

namespace agdb {

// A body that is made faster than it is read: it waits in a file that nobody sees, so that neither
// memory nor the maker has to. One thread at a time.
class Spool {
 public:
  static Result<std::shared_ptr<Spool>> open();
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  Status write(std::string_view text);
  // All that was written, from its beginning.
  static BodySource read(std::shared_ptr<Spool> spool);

 private:
  explicit Spool(int fd) : fd_(fd) {}

  int fd_;
  std::string waiting_;
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace agdb

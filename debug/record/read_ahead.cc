#include "debug/record/read_ahead.h"

#include <algorithm>
#include <utility>

namespace agdb {

ReadAhead::ReadAhead(const EventText& text, std::uint64_t from, std::uint64_t end,
                     std::size_t piece_bytes)
    : text_(text), at_(from), end_(end), piece_bytes_(piece_bytes), thread_([this] { run(); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::run() {
  std::string piece;
  Status status;
  while (status && at_ < end_) {
    const std::size_t length =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes_, end_ - at_));
    status = text_.read(at_, length, piece);
    at_ += length;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !is_ready_; });
    if (stopping_) return;
    if (!status) break;
    std::swap(ready_, piece);
    is_ready_ = true;
    changed_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
  is_over_ = true;
  changed_.notify_all();
}

Result<bool> ReadAhead::next(std::string& piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_ready_ || is_over_; });
  if (!is_ready_) {
    AGDB_CHECK_OK(status_);
    return false;
  }
  std::swap(piece, ready_);
  is_ready_ = false;
  changed_.notify_all();
  return true;
}

}  // namespace agdb

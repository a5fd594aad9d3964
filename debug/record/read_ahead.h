#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "debug/record/event_text.h"

namespace agdb {

// The pieces of a text one behind the other, of which the next is read by a thread of its own while
// somebody works on the last: copying a file out of the system's cache takes as long as looking for
// its lines.
//
//   ReadAhead ahead(text, 0, size, 1 << 20);
//   while (true) {
//     AGDB_TRY(const bool more, ahead.next(piece));
//     if (!more) break;
//     use(piece);
//   }
//
// One caller's thread. The text outlives it.
class ReadAhead {
 public:
  // [from, end) in pieces of that many bytes; the last may be shorter.
  ReadAhead(const EventText& text, std::uint64_t from, std::uint64_t end, std::size_t piece_bytes);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The next piece; false behind the last. After an error nothing more comes.
  Result<bool> next(std::string& piece);

 private:
  void run();

  const EventText& text_;
  std::uint64_t at_;  // of the piece that is read next; the thread's
  const std::uint64_t end_;
  const std::size_t piece_bytes_;

  std::mutex mutex_;  // all below
  std::condition_variable changed_;
  std::string ready_;
  Status status_;
  bool is_ready_ = false;
  bool is_over_ = false;  // nothing comes behind what is ready
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace agdb

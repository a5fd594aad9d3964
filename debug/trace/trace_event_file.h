#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/events/json.h"
#include "runtime/events/result.h"

namespace agdb {

// The text of a Chrome trace event file, written event by event:
//
//   file.begin("X", pid, tid, at);      // tid 0: none
//   file.text("name", "step 1");
//   file.begin_arguments();
//   file.number("tokens", 17);
//   file.end();
//
// Events are numbered from 1. With a limit, events are kept until the end, and beyond it the older
// half goes; metadata stays.
class TraceEventFile {
 public:
  TraceEventFile(std::function<Status(std::string_view)> write, std::uint64_t limit);

  // `at`: nanoseconds.
  void begin(std::string_view phase, std::uint64_t pid, std::uint64_t tid, std::int64_t at);
  void begin_metadata(std::string_view name, std::uint64_t pid, std::uint64_t tid);
  // The event stays whatever goes.
  void keep() { current_.metadata = true; }
  // The event goes when the one of that number goes.
  void depends_on(std::uint64_t event);

  // Keys are names that need no escapes, but for those of json().
  void text(std::string_view key, std::string_view value);
  void number(std::string_view key, std::int64_t value);
  void number(std::string_view key, std::uint64_t value);
  // As digits: microseconds, with up to three decimals.
  void microseconds(std::string_view key, std::int64_t nanoseconds);
  // Two decimals at most.
  void rounded(std::string_view key, double value);
  void boolean(std::string_view key, bool value);
  void json(std::string_view key, const Json& value);
  // From here on members are the event's arguments.
  void begin_arguments();
  void end();

  // What is kept, and the end of the file. The first error of `write`.
  Status finish(std::string_view zero);

  std::uint64_t number() const { return number_; }  // of the newest event
  std::uint64_t dropped() const { return dropped_; }
  const Status& status() const { return status_; }

 private:
  struct Kept {
    std::string text;
    std::uint64_t number = 0;
    std::uint64_t depends_on = 0;
    bool metadata = false;
  };

  void key(std::string_view name);
  void send();
  void drop_older_half();

  std::function<Status(std::string_view)> write_;
  const std::uint64_t limit_;
  std::string out_;
  Status status_;
  bool first_ = true;      // no event is in the file
  bool separate_ = false;  // a member stands in front
  bool arguments_ = false;
  Kept current_;
  std::deque<Kept> kept_;
  std::uint64_t counted_ = 0;  // of kept_, without metadata
  std::uint64_t number_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t newest_gone_ = 0;  // all before it went too, but for what stays
};

}  // namespace agdb

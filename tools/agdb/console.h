#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/events/result.h"

namespace agdb {

enum class ColorMode { kAuto, kAlways, kNever };

// The two streams that a command speaks on. stdout carries results and nothing else; progress,
// notes, warnings and errors go to stderr. Knows what a terminal wants and what a pipe does not.
// Output from one thread at a time, except note and warn.
class Console {
 public:
  // The streams are borrowed. The environment decides about NO_COLOR and PAGER.
  Console(std::FILE* out, std::FILE* err);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void set_color(ColorMode mode) { color_ = mode; }
  // On a terminal, never with NO_COLOR, always or never when the person said so.
  bool color_out() const { return color(out_is_terminal_); }
  bool color_err() const { return color(err_is_terminal_); }
  bool out_is_terminal() const { return out_is_terminal_; }
  bool err_is_terminal() const { return err_is_terminal_; }
  // $COLUMNS, else the columns of the terminal on stdout; 0 = it is none, lines are not cut.
  std::size_t width() const;

  // Results, as they are: callers make what came from outside printable, or mean to pass it raw.
  void print(std::string_view text);
  void print_line(std::string_view line);
  // From here on, what is printed goes through $PAGER, as git does it: on a terminal only. Ends
  // with finish or the console.
  void start_pager();
  // Flushes; kIo when stdout could not take all ("No space left on device"). A reader that went
  // away (a closed pipe) is no error.
  Status finish();
  // Whether stdout's reader is gone: there is no sense in going on.
  bool reader_gone() const { return reader_gone_; }

  // One line on stderr, with "agdb: " in front. Control characters of the text are made visible.
  // Any thread.
  void note(std::string_view text);
  void warn(std::string_view text);
  // "agdb: <message>; <hint>"
  void error(const Error& error);

 private:
  bool color(bool terminal) const;
  void say(std::string_view prefix, std::string_view text);

  std::FILE* out_;
  std::FILE* err_;
  bool out_is_terminal_;
  bool err_is_terminal_;
  ColorMode color_ = ColorMode::kAuto;
  std::FILE* pager_ = nullptr;
  bool reader_gone_ = false;
  int write_error_ = 0;
};

// A line on stderr that shows how far a piece of work is: only on a terminal, and only when the
// work takes longer than a second. Gone without a trace when it ends.
class Progress {
 public:
  // `what` is shown in front; `total` in the same unit as the updates, 0 = not known. `unit` is put
  // behind numbers ("MB", "events"), which are divided by `scale` before.
  Progress(Console& console, std::string what, std::uint64_t total, std::string unit,
           std::uint64_t scale = 1);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done);
  // For those who know the total and tell it each time. Used while this object lives.
  std::function<void(std::uint64_t done, std::uint64_t total)> updater();

 private:
  Console& console_;
  const std::string what_;
  std::uint64_t total_;
  const std::string unit_;
  const std::uint64_t scale_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_ = began_;
  bool visible_ = false;
};

}  // namespace agdb

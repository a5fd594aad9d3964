#include "tools/agdb/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "runtime/events/printable.h"

namespace agdb {
namespace {

bool is_terminal(std::FILE* stream) {
  return ::isatty(::fileno(stream)) == 1;
}

}  // namespace

Console::Console(std::FILE* out, std::FILE* err)
    : out_(out),
      err_(err),
      out_is_terminal_(is_terminal(out)),
      err_is_terminal_(is_terminal(err)) {}

Console::~Console() {
  static_cast<void>(finish());
}

bool Console::color(bool terminal) const {
  if (color_ != ColorMode::kAuto) return color_ == ColorMode::kAlways;
  return terminal && std::getenv("NO_COLOR") == nullptr;
}

std::size_t Console::width() const {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const std::string_view text = columns;
    std::size_t width = 0;
    if (std::from_chars(text.begin(), text.end(), width).ec == std::errc() && width > 0)
      return width;
  }
  if (!out_is_terminal_) return 0;
  winsize size{};
  if (::ioctl(::fileno(out_), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void Console::print(std::string_view text) {
  std::FILE* to = pager_ != nullptr ? pager_ : out_;
  if (reader_gone_ || text.empty()) return;
  if (std::fwrite(text.data(), 1, text.size(), to) == text.size()) return;
  if (errno == EPIPE) {
    reader_gone_ = true;
  } else {
    write_error_ = errno;
  }
}

void Console::print_line(std::string_view line) {
  print(line);
  print("\n");
}

// popen hands the command to the shell, which is what $PAGER is made for. LESS as git sets it: quit
// when it fits on one screen, keep colours, leave the screen alone.
void Console::start_pager() {
  if (!out_is_terminal_ || pager_ != nullptr) return;
  const char* chosen = std::getenv("PAGER");
  const std::string pager = chosen != nullptr ? chosen : "less";
  if (pager.empty() || pager == "cat") return;
  ::setenv("LESS", "FRX", 0);
  std::fflush(out_);
  pager_ = ::popen(pager.c_str(), "w");
}

Status Console::finish() {
  if (std::FILE* pager = std::exchange(pager_, nullptr)) ::pclose(pager);
  if (std::fflush(out_) != 0 && !reader_gone_) {
    if (errno == EPIPE) {
      reader_gone_ = true;
    } else {
      write_error_ = errno;
    }
  }
  if (const int error = std::exchange(write_error_, 0))
    return fail(Code::kIo, fmt::format("cannot write the output: {}", std::strerror(error)));
  return {};
}

void Console::say(std::string_view prefix, std::string_view text) {
  const std::string line = fmt::format("{}{}\n", prefix, printable(text));
  std::fwrite(line.data(), 1, line.size(), err_);
}

void Console::note(std::string_view text) {
  say("agdb: ", text);
}
void Console::warn(std::string_view text) {
  say("agdb: warning: ", text);
}

void Console::error(const Error& error) {
  say("agdb: ", error.hint.empty() ? error.message : error.message + "; " + error.hint);
}

Progress::Progress(Console& console, std::string what, std::uint64_t total, std::string unit,
                   std::uint64_t scale)
    : console_(console),
      what_(std::move(what)),
      total_(total),
      unit_(std::move(unit)),
      scale_(scale) {}

Progress::~Progress() {
  if (visible_) fmt::print(stderr, "\r\x1b[K");
}

std::function<void(std::uint64_t, std::uint64_t)> Progress::updater() {
  return [this](std::uint64_t done, std::uint64_t total) {
    total_ = total;
    update(done);
  };
}

void Progress::update(std::uint64_t done) {
  using std::chrono::duration;
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now();
  if (!console_.err_is_terminal() || now - began_ < std::chrono::seconds(1) ||
      now - shown_ < milliseconds(100))
    return;
  shown_ = now;
  visible_ = true;
  const double seconds = duration<double>(now - began_).count();
  const double scale = static_cast<double>(scale_);
  const double rate = static_cast<double>(done) / scale / seconds;
  std::string line = fmt::format("{}: {:.0f} {}, {:.0f} {}/s", what_,
                                 static_cast<double>(done) / scale, unit_, rate, unit_);
  if (total_ > 0 && done > 0 && done <= total_) {
    const double left = static_cast<double>(total_ - done) / scale / rate;
    line += fmt::format(", {:.0f} %, {:.0f} s left",
                        100.0 * static_cast<double>(done) / static_cast<double>(total_), left);
  }
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
}

}  // namespace agdb

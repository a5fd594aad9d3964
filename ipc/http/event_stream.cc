#include "ipc/http/event_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace agdb {
namespace {

void append_lines(std::string& out, std::string_view field, std::string_view text) {
  do {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    out.append(field).append(": ").append(text.substr(0, end)).append("\n");
    const std::size_t both = text.substr(end).starts_with("\r\n") ? 2 : 1;
    text.remove_prefix(std::min(end + both, text.size()));
  } while (!text.empty());
}

// A name and an id are one line each.
std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find_first_of(std::string_view("\r\n\0", 3)));
}

std::string text_of(const EventStream::Event& event) {
  std::string text;
  if (!event.id.empty()) append_lines(text, "id", first_line(event.id));
  if (!event.name.empty()) append_lines(text, "event", first_line(event.name));
  append_lines(text, "data", event.data);
  text += '\n';
  return text;
}

}  // namespace

bool EventStream::push(const Event& event) {
  const std::string text = text_of(event);
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    if (gone_ || ended_) return false;
    // Behind a gap everything is lost until the client has read up to it: so the gap has one place.
    if (missing_ > 0 || waiting_.size() + text.size() > max_waiting_) {
      ++missing_;
      ++lost_;
    } else {
      waiting_ += text;
    }
    if (!std::exchange(woken_, true)) wake = wake_;
  }
  if (wake) wake();
  return true;
}

void EventStream::count_lost(std::uint64_t events) {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    if (gone_ || ended_ || events == 0) return;
    missing_ += events;
    lost_ += events;
    if (!std::exchange(woken_, true)) wake = wake_;
  }
  if (wake) wake();
}

void EventStream::end() {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    if (!std::exchange(woken_, true)) wake = wake_;
  }
  if (wake) wake();
}

void EventStream::when_gone(std::function<void()> tell) {
  {
    const std::scoped_lock lock(mutex_);
    if (!gone_) {
      tell_gone_ = std::move(tell);
      return;
    }
  }
  tell();
}

bool EventStream::gone() const {
  const std::scoped_lock lock(mutex_);
  return gone_;
}

std::uint64_t EventStream::lost() const {
  const std::scoped_lock lock(mutex_);
  return lost_;
}

void EventStream::attach(const std::function<void()>& wake) {
  bool now = false;
  {
    const std::scoped_lock lock(mutex_);
    wake_ = wake;
    now = woken_;
  }
  if (now) wake();
}

bool EventStream::take(std::string& out) {
  const std::scoped_lock lock(mutex_);
  woken_ = false;
  out += waiting_;
  waiting_.clear();
  if (const std::uint64_t missing = std::exchange(missing_, 0); missing > 0)
    out += text_of({.name = "lost", .data = fmt::format("{{\"lost\":{}}}", missing)});
  return !ended_;
}

void EventStream::leave() {
  std::function<void()> tell;
  {
    const std::scoped_lock lock(mutex_);
    gone_ = true;
    waiting_.clear();
    wake_ = nullptr;
    tell = std::exchange(tell_gone_, nullptr);
  }
  if (tell) tell();
}

}  // namespace agdb

#include "debug/trace/trace_event_file.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "runtime/events/json_text.h"

namespace agdb {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::string_view kHead = "{\"traceEvents\":[\n";

template <typename Number>
void append(std::string& out, Number value) {
  std::array<char, json_text::kLongestNumber> digits;
  char* const end = json_text::put(digits.data(), value);
  out.append(digits.data(), end);
}

void append_microseconds(std::string& out, std::int64_t nanoseconds) {
  std::array<char, 32> digits;
  char* end = std::to_chars(digits.data(), digits.data() + digits.size(), nanoseconds / 1000).ptr;
  std::int64_t rest = nanoseconds % 1000;
  if (rest != 0) {
    *end++ = '.';
    for (std::int64_t unit = 100; rest != 0; unit /= 10) {
      *end++ = static_cast<char>('0' + rest / unit);
      rest %= unit;
    }
  }
  out.append(digits.data(), end);
}

}  // namespace

TraceEventFile::TraceEventFile(std::function<Status(std::string_view)> write, std::uint64_t limit)
    : write_(std::move(write)), limit_(limit) {
  if (limit_ == 0) out_ = kHead;
}

void TraceEventFile::begin(std::string_view phase, std::uint64_t pid, std::uint64_t tid,
                           std::int64_t at) {
  if (limit_ == 0 && !std::exchange(first_, false)) out_ += ",\n";
  out_ += R"({"ph":")";
  out_ += phase;
  out_ += R"(","pid":)";
  append(out_, pid);
  if (tid != 0) {
    out_ += R"(,"tid":)";
    append(out_, tid);
  }
  out_ += R"(,"ts":)";
  append_microseconds(out_, at);
  separate_ = true;
  current_ = {.number = ++number_};
}

void TraceEventFile::begin_metadata(std::string_view name, std::uint64_t pid, std::uint64_t tid) {
  begin("M", pid, tid, 0);
  current_.metadata = true;
  text("name", name);
  begin_arguments();
}

void TraceEventFile::depends_on(std::uint64_t event) {
  current_.depends_on = event;
}

// Names of our own need no escapes.
void TraceEventFile::key(std::string_view name) {
  out_ += separate_ ? ",\"" : "\"";
  separate_ = true;
  out_ += name;
  out_ += "\":";
}

void TraceEventFile::text(std::string_view name, std::string_view value) {
  key(name);
  dump_string_to(out_, value);
}

void TraceEventFile::number(std::string_view name, std::int64_t value) {
  key(name);
  append(out_, value);
}

void TraceEventFile::number(std::string_view name, std::uint64_t value) {
  key(name);
  append(out_, value);
}

void TraceEventFile::microseconds(std::string_view name, std::int64_t nanoseconds) {
  key(name);
  append_microseconds(out_, nanoseconds);
}

void TraceEventFile::rounded(std::string_view name, double value) {
  constexpr double kHundredths = 100;
  key(name);
  append(out_, std::round(value * kHundredths) / kHundredths);
}

void TraceEventFile::boolean(std::string_view name, bool value) {
  key(name);
  out_ += value ? "true" : "false";
}

void TraceEventFile::json(std::string_view name, const Json& value) {
  if (separate_) out_ += ',';
  separate_ = true;
  dump_string_to(out_, name);
  out_ += ':';
  if (value.is_string()) {
    dump_string_to(out_, value.string());
  } else if (value.type() == Json::Type::kInt) {
    append(out_, *value.to_int());
  } else {
    dump_to(out_, value, {.sorted = false});
  }
}

void TraceEventFile::begin_arguments() {
  out_ += R"(,"args":{)";
  separate_ = false;
  arguments_ = true;
}

void TraceEventFile::end() {
  out_ += std::exchange(arguments_, false) ? "}}" : "}";
  if (limit_ == 0) {
    if (out_.size() >= kPiece) send();
    return;
  }
  current_.text = std::exchange(out_, {});
  if (current_.depends_on != 0 && current_.depends_on <= newest_gone_) {
    ++dropped_;
    return;
  }
  if (!current_.metadata) ++counted_;
  kept_.push_back(std::move(current_));
  if (counted_ > limit_) drop_older_half();
}

// An event that stays behind may depend on one that goes, directly: a flow on its slices.
void TraceEventFile::drop_older_half() {
  const std::uint64_t to_drop = counted_ - limit_ / 2;
  std::uint64_t gone = 0;
  std::erase_if(kept_, [&](const Kept& event) {
    if (event.metadata) return false;
    const bool goes = gone < to_drop || (event.depends_on != 0 && event.depends_on <= newest_gone_);
    if (!goes) return false;
    if (gone < to_drop) newest_gone_ = event.number;
    ++gone;
    return true;
  });
  counted_ -= gone;
  dropped_ += gone;
}

void TraceEventFile::send() {
  if (status_) status_ = write_(out_);
  out_.clear();
}

Status TraceEventFile::finish(std::string_view zero) {
  if (limit_ != 0) {
    out_ = kHead;
    for (const Kept& event : kept_) {
      if (!std::exchange(first_, false)) out_ += ",\n";
      out_ += event.text;
      if (out_.size() >= kPiece) send();
    }
    kept_.clear();
  }
  out_ += "\n],\"otherData\":{\"producer\":\"agdb " AGDB_VERSION "\"";
  separate_ = true;
  if (!zero.empty()) text("zero", zero);
  out_ += "}}\n";
  send();
  return status_;
}

}  // namespace agdb

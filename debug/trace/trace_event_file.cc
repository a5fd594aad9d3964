#include "debug/trace/trace_event_file.h"

#include <cmath>
#include <utility>

#include "runtime/events/json_text.h"

namespace agdb {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::string_view kHead = "{\"traceEvents\":[\n";

// Room for what a member is made of, beside its name and a text.
constexpr std::size_t kLongestFrame = 64;

// Appends what `put` writes to memory of that size; it returns the end.
template <typename Put>
void append(std::string& out, std::size_t longest, const Put& put) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + longest, [&](char* text, std::size_t) {
    return static_cast<std::size_t>(put(text + before) - text);
  });
}

template <typename Number>
void append_number(std::string& out, Number value) {
  append(out, json_text::kLongestNumber, [&](char* to) { return json_text::put(to, value); });
}

char* put_microseconds(char* to, std::int64_t nanoseconds) {
  to = json_text::put(to, nanoseconds / 1000);
  std::int64_t rest = nanoseconds % 1000;
  if (rest == 0) return to;
  *to++ = '.';
  for (std::int64_t unit = 100; rest != 0; unit /= 10) {
    *to++ = static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return to;
}

}  // namespace

TraceEventFile::TraceEventFile(std::function<Status(std::string_view)> write, std::uint64_t limit)
    : write_(std::move(write)), limit_(limit) {
  if (limit_ == 0) out_ = kHead;
}

void TraceEventFile::begin(std::string_view phase, std::uint64_t pid, std::uint64_t tid,
                           std::int64_t at) {
  using json_text::put;
  const bool follows = limit_ == 0 && !std::exchange(first_, false);
  append(out_, 3 * json_text::kLongestNumber + kLongestFrame + phase.size(), [&](char* to) {
    to = put(put(to, follows ? ",\n{\"ph\":\"" : "{\"ph\":\""), phase);
    to = put(put(to, R"(","pid":)"), pid);
    if (tid != 0) to = put(put(to, R"(,"tid":)"), tid);
    return put_microseconds(put(to, R"(,"ts":)"), at);
  });
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
  append(out_, kLongestFrame + name.size(), [&](char* to) {
    to = json_text::put(to, separate_ ? ",\"" : "\"");
    return json_text::put(json_text::put(to, name), "\":");
  });
  separate_ = true;
}

void TraceEventFile::text(std::string_view name, std::string_view value) {
  key(name);
  dump_string_to(out_, value);
}

void TraceEventFile::number(std::string_view name, std::int64_t value) {
  key(name);
  append_number(out_, value);
}

void TraceEventFile::number(std::string_view name, std::uint64_t value) {
  key(name);
  append_number(out_, value);
}

void TraceEventFile::microseconds(std::string_view name, std::int64_t nanoseconds) {
  key(name);
  append(out_, json_text::kLongestNumber,
         [&](char* to) { return put_microseconds(to, nanoseconds); });
}

void TraceEventFile::rounded(std::string_view name, double value) {
  constexpr double kHundredths = 100;
  key(name);
  append_number(out_, std::round(value * kHundredths) / kHundredths);
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
    append_number(out_, *value.to_int());
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

#include "debug/record/call_line.h"

#include "runtime/events/raw_json_text.h"

namespace agdb {
namespace {

// The keys of a line and the punctuation around them.
constexpr std::size_t kFixedText = 160;

std::size_t longest_line(const RawSyscall& call) {
  return kFixedText + 5 * json_text::kLongestNumber + json_text::longest_text(call.name.size()) +
         longest_json_text(call.args) + longest_json_text(call.result) +
         json_text::longest_text(call.err.size());
}

void write_line(RawJsonText& line, const LineHead& head, const RawSyscall& call) {
  line.ready("{\"seq_num\":");
  line.number(raw(head.seq_num));
  line.ready(",\"timestamp\":");
  line.number(std::int64_t{head.timestamp.count()});
  line.ready(",\"pid\":");
  line.number(raw(head.pid));
  line.ready(",\"type\":\"syscall\"");
  if (head.n != 0) {
    line.ready(",\"n\":");
    line.number(head.n);
  }
  line.ready(",\"syscall\":{\"syscall\":");
  line.text(call.name);
  if (!call.args.empty()) {
    line.ready(",\"args\":");
    line.object(call.args);
  }
  if (call.result.tag() != RawTag::kNull) {
    line.ready(",\"result\":");
    line.value(call.result);
  }
  if (!call.err.empty()) {
    line.ready(",\"err\":");
    line.text(call.err);
  }
  line.ready(",\"duration\":");
  line.number(std::int64_t{call.duration.count()});
  line.ready("}}\n");
}

}  // namespace

void append_line(std::string& out, const LineHead& head, const RawSyscall& call) {
  const std::size_t before = out.size();
  bool gave_up = false;
  out.resize_and_overwrite(before + longest_line(call), [&](char* text, std::size_t) {
    RawJsonText line(text + before);
    write_line(line, head, call);
    gave_up = line.gave_up();
    return gave_up ? before : static_cast<std::size_t>(line.end() - text);
  });
  if (gave_up) append_line(out, head, to_syscall(call));
}

std::optional<EventHead> own_head(const LineHead& head, const RawSyscall& call) {
  // Such calls name a context; longer numbers are not of our form.
  constexpr std::uint64_t kTooLong = 1'000'000'000'000'000'000;
  const auto fits = [](std::uint64_t number) { return number < kTooLong; };
  const bool plain = !call.name.starts_with("Ctx") && fits(raw(head.seq_num)) &&
                     fits(raw(head.pid)) && fits(head.n) && head.timestamp.count() >= 0 &&
                     fits(static_cast<std::uint64_t>(head.timestamp.count()));
  if (!plain) return std::nullopt;
  return EventHead{
      .seq_num = head.seq_num, .timestamp = head.timestamp, .type = EventType::kSyscall};
}

}  // namespace agdb

#include "debug/record/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/record/block_check.h"
#include "debug/record/event_line.h"
#include "debug/record/event_text.h"
#include "debug/record/gap_check.h"
#include "debug/record/line_check.h"
#include "debug/record/number_check.h"
#include "debug/record/reader.h"
#include "debug/record/snapshot_check.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

using Kind = VerifyFinding::Kind;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

// Opens the recording when it is asked the first time.
class OlderStates {
 public:
  explicit OlderStates(std::string folder) : folder_(std::move(folder)) {}

  std::optional<SnapshotCheck::State> operator()(SeqNum seq_num) {
    if (!recording_) recording_ = std::make_shared<Result<Recording>>(Recording::open(folder_));
    if (!*recording_) return std::nullopt;
    const Result<RecordedEvent> event = (*recording_)->event(seq_num);
    if (!event || !std::holds_alternative<ContextSnapshot>(event->payload)) return std::nullopt;
    const CtxId ctx = std::get<ContextSnapshot>(event->payload).ctx_id;
    Result<RestoredContext> context = (*recording_)->context_at(seq_num, ctx);
    if (!context) return std::nullopt;
    return SnapshotCheck::State{.prompt = xxh3_128(context->system_prompt),
                                .messages = std::move(context->message_hashes)};
  }

 private:
  std::string folder_;
  std::shared_ptr<Result<Recording>> recording_;
};

class Verifier {
 public:
  Verifier(const std::string& folder, RecordingMetadata metadata, const EventText& text, bool live)
      : folder_(folder),
        metadata_(std::move(metadata)),
        text_(text),
        gaps_(metadata_.start_time == metadata_.process_start_time),
        snapshots_(OlderStates(folder)) {
    report_.live = live;
  }

  Result<VerifyReport> run() {
    AGDB_TRY(report_.bytes, text_.size());
    LineScanner lines(text_, 0, 1, report_.bytes);
    while (true) {
      AGDB_TRY(const bool more, lines.next());
      if (!more) break;
      const LineScanner::Line& line = lines.line();
      line.terminated || !line.unreadable.empty() ? check_line(line) : check_tail(line);
    }
    check_metadata();
    check_content();
    for (const std::string& what : check_index(text_, folder_, metadata_))
      report_.findings.push_back({Kind::kIndex, 0, 0, what});
    report_.snapshots = snapshots_.checked();
    return std::move(report_);
  }

 private:
  void check_line(const LineScanner::Line& line) {
    if (!line.unreadable.empty()) return skip(line, line.unreadable);
    if (line.too_long) {
      return skip(line, fmt::format("{} bytes; the limit is {}", line.length, kMaxLineBytes));
    }
    if (line.blank) return;
    if (const std::optional<CheckedLine> checked = lines_.read(line.text))
      return check_usual(line, *checked);
    const Result<RecordedEvent> event = parse_line(line.text);
    if (!event) return skip(line, event.error().message);
    check_event(line, *event);
  }

  // A line whose syntax and members are as they should be, known without building its event.
  void check_usual(const LineScanner::Line& line, const CheckedLine& event) {
    check_head(line, event.seq_num, event.pid);
    add(Kind::kGap, line, gaps_.next(event.n));
    if (!event.snapshot) return;
    const auto exact = [&]() -> std::optional<SnapshotHashes> {
      const Result<RecordedEvent> whole = parse_line(line.text);
      if (!whole || !std::holds_alternative<ContextSnapshot>(whole->payload)) return std::nullopt;
      return hashes_of(std::get<ContextSnapshot>(whole->payload));
    };
    add(Kind::kSnapshot, line, snapshots_.next(event.seq_num, *event.snapshot, exact));
  }

  void check_head(const LineScanner::Line& line, SeqNum seq_num, Pid pid) {
    ++report_.events;
    add(Kind::kNumber, line, numbers_.next(seq_num));
    if (pid == metadata_.pid) return;
    add(Kind::kMetadata, line,
        fmt::format("an event of PID {} in the recording of PID {}", raw(pid), raw(metadata_.pid)));
  }

  // A writer at work has not come to the end of this line yet.
  void check_tail(const LineScanner::Line& line) {
    if (report_.live) return;
    if (is_whole(line)) return check_line(line);
    add(Kind::kTail, line,
        fmt::format("{} bytes behind the last line's end are no whole line", line.length));
  }

  void check_event(const LineScanner::Line& line, const RecordedEvent& event) {
    check_head(line, event.seq_num, event.pid);
    if (event.event_type() == EventType::kOther) {
      add(Kind::kType, line,
          fmt::format("the type \"{}\" is not known", truncate(to_utf8(event.type), 60)));
    } else if (std::holds_alternative<std::monostate>(event.payload)) {
      add(Kind::kType, line, fmt::format("an event of type {} without its payload", event.type));
    }
    if (const auto* gap = std::get_if<Gap>(&event.payload)) {
      add(Kind::kGap, line, gaps_.next(*gap));
    } else {
      add(Kind::kGap, line, gaps_.next(event.n));
    }
    if (const auto* snapshot = std::get_if<ContextSnapshot>(&event.payload))
      add(Kind::kSnapshot, line, snapshots_.next(event.seq_num, *snapshot));
  }

  void check_metadata() {
    if (report_.live) return;
    if (metadata_.status == kStatusRecording)
      return add("the status is \"recording\", but its writer is gone");
    if (metadata_.event_count != report_.events) {
      add(fmt::format("event_count is {}, {} events can be read", metadata_.event_count,
                      report_.events));
    }
    if (metadata_.lost_events < gaps_.lost()) {
      add(fmt::format("lost_events is {}, the gap events tell of {}", metadata_.lost_events,
                      gaps_.lost()));
    }
  }

  void check_content() {
    BlockCheck blocks;
    std::string piece;
    for (std::uint64_t at = 0; at < report_.bytes; at += piece.size()) {
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, report_.bytes - at));
      // Told line by line already.
      if (!text_.read(at, want, piece)) return;
      blocks.take(piece);
    }
    const BlockCheck::Result result = blocks.finish(folder_, metadata_, report_.live);
    for (const BlockCheck::Result::Block& block : result.damaged) {
      report_.findings.push_back(
          {Kind::kSum, block.first_line, block.number * kSumBlockBytes,
           fmt::format("block {} (bytes {} to {}, lines {} to {}) is not what was written",
                       block.number, block.number * kSumBlockBytes,
                       std::min((block.number + 1) * kSumBlockBytes, report_.bytes) - 1,
                       block.first_line, block.last_line)});
    }
    for (const std::string& what : result.others)
      report_.findings.push_back({Kind::kSum, 0, 0, what});
    const bool ended = metadata_.status == kStatusCompleted || metadata_.status == kStatusStopped;
    const bool promised = ended || !metadata_.content_hash.empty();
    if (!promised || metadata_.format_version < 2 || result.content_hash == metadata_.content_hash)
      return;
    add(fmt::format("content_hash is \"{}\", the text of events.jsonl gives {}",
                    metadata_.content_hash, result.content_hash));
  }

  void skip(const LineScanner::Line& line, std::string why) {
    numbers_.skip_line();
    gaps_.skip_line();
    add(Kind::kLine, line, std::move(why));
  }
  void add(Kind kind, const LineScanner::Line& line, std::optional<std::string> what) {
    if (what) report_.findings.push_back({kind, line.number, line.offset, *std::move(what)});
  }
  // Of the recording as a whole.
  void add(std::string what) {
    report_.findings.push_back({Kind::kMetadata, 0, 0, std::move(what)});
  }

  const std::string folder_;
  const RecordingMetadata metadata_;
  const EventText& text_;
  LineCheck lines_;
  NumberCheck numbers_;
  GapCheck gaps_;
  SnapshotCheck snapshots_;
  VerifyReport report_;
};

}  // namespace

const char* name_of(VerifyFinding::Kind kind) {
  switch (kind) {
    case Kind::kLine:
      return "line";
    case Kind::kNumber:
      return "number";
    case Kind::kType:
      return "type";
    case Kind::kSnapshot:
      return "snapshot";
    case Kind::kGap:
      return "gap";
    case Kind::kTail:
      return "tail";
    case Kind::kMetadata:
      return "metadata";
    case Kind::kSum:
      return "sum";
    case Kind::kIndex:
      return "index";
  }
  return "unknown";
}

Result<VerifyReport> verify_recording(const std::string& folder) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  AGDB_TRY(const EventText text, EventText::open(folder));
  const bool live = metadata.status == kStatusRecording && text.has_writer();
  // A writer may have ended between the two looks.
  if (metadata.status == kStatusRecording && !live) {
    AGDB_TRY(metadata, read_metadata(folder));
  }
  return Verifier(folder, std::move(metadata), text, live).run();
}

}  // namespace agdb

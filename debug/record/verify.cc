#include "debug/record/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "debug/record/block_check.h"
#include "debug/record/event_line.h"
#include "debug/record/event_text.h"
#include "debug/record/gap_check.h"
#include "debug/record/line_check.h"
#include "debug/record/number_check.h"
#include "debug/record/piece_work.h"
#include "debug/record/reader.h"
#include "debug/record/snapshot_check.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

using Kind = VerifyFinding::Kind;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

// The number of the first event that may stand in a recording; 0 = not known.
std::uint64_t first_n(const RecordingMetadata& metadata) {
  if (metadata.began_late) return metadata.began_late->n;
  return metadata.start_time == metadata.process_start_time ? 1 : 0;
}

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

// The line of that entry, without its end; `text` begins at `begin` and ends with the last line.
std::string_view line_at(const IndexBuilder::Entries& entries, std::size_t at, std::uint64_t begin,
                         std::string_view text) {
  const std::uint64_t offset = entries[at].offset - begin;
  const std::uint64_t end = at + 1 < entries.size() ? entries[at + 1].offset - begin : text.size();
  return text.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(end - offset - 1));
}

// What can be known of the lines of a piece without those before them.
struct LinesWorker {
  enum class Kind : std::uint8_t { kBlank, kUsual, kOther };
  struct Line {
    Kind kind = Kind::kBlank;
    CheckedLine usual = {};
  };
  struct Found {
    IndexBuilder::Entries entries;  // one a line
    std::vector<Line> lines;
    std::vector<Result<RecordedEvent>> others;  // of those of that kind, in their order
  };

  void look(std::uint64_t offset, std::string_view text, Found& found) {
    found.entries.clear();
    found.lines.clear();
    found.others.clear();
    const WholeLines whole = WholeLines::of(text);
    const char* const readable_end = text.data() + text.size();
    text = text.substr(whole.begin, whole.end - whole.begin);
    look_at_lines(offset + whole.begin, text, found.entries, readable_end);
    const std::uint64_t begin = offset + whole.begin;
    for (std::size_t i = 0; i < found.entries.size(); ++i) {
      take(line_at(found.entries, i, begin, text), readable_end, found);
    }
  }

  void take(std::string_view line, const char* readable_end, Found& found) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    Line& out = found.lines.emplace_back();
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    const auto readable = static_cast<std::size_t>(readable_end - line.data());
    if (std::optional<CheckedLine> checked = lines.read(line, readable)) {
      out = {Kind::kUsual, *std::move(checked)};
    } else {
      out.kind = Kind::kOther;
      found.others.push_back(parse_line(line));
    }
  }

  LineCheck lines;
};
using LinesWork = PieceWork<LinesWorker>;

class Verifier {
 public:
  Verifier(const std::string& folder, RecordingMetadata metadata, const EventText& text, bool live,
           const TextProgress& progress)
      : folder_(folder),
        metadata_(std::move(metadata)),
        text_(text),
        progress_(progress),
        gaps_(first_n(metadata_)),
        snapshots_(OlderStates(folder)),
        index_(folder, metadata_) {
    report_.live = live;
  }

  Result<VerifyReport> run() {
    AGDB_TRY(report_.bytes, text_.size());
    check_many_lines();
    // What is left: the end, or all behind a line that is too long or cannot be read.
    LineScanner lines(text_, next_offset_, next_line_, report_.bytes);
    while (true) {
      AGDB_TRY(const bool more, lines.next());
      if (!more) break;
      const LineScanner::Line& line = lines.line();
      line.terminated || !line.unreadable.empty() ? check_line(line) : check_tail(line);
    }
    check_metadata();
    check_content();
    for (const std::string& what : index_.finish(text_))
      report_.findings.push_back({Kind::kIndex, 0, 0, what});
    report_.snapshots = snapshots_.checked();
    return std::move(report_);
  }

 private:
  // One reading of the text for everything, by several threads. Where it stops, the scanner finds
  // the reason.
  void check_many_lines() {
    LinesWork work(text_, 0, report_.bytes);
    const auto see = [&](std::string_view piece) {
      blocks_.take(piece);
      if (progress_) progress_(blocks_.bytes(), report_.bytes);
    };
    const auto take_line = [&](std::string_view text) {
      index_.take(text);
      check_line(line_of(text));
    };
    const auto take_whole = [&](LinesWork::Piece& piece, std::string_view lines) {
      index_.take(lines, piece.found.entries);
      check_found(lines, piece.found);
    };
    static_cast<void>(take_lines_of(work, kMaxLineBytes, see, take_line, take_whole));
  }

  // The next line, which `text` begins with.
  LineScanner::Line line_of(std::string_view text) {
    const std::size_t end = text.find('\n');
    LineScanner::Line line{.text = text.substr(0, end),
                           .number = next_line_++,
                           .offset = next_offset_,
                           .terminated = true};
    next_offset_ = line.end = line.offset + end + 1;
    if (line.text.ends_with('\r')) line.text.remove_suffix(1);
    line.length = line.text.size();
    line.blank = line.text.find_first_not_of(" \t\r") == std::string_view::npos;
    return line;
  }

  void check_found(std::string_view text, const LinesWorker::Found& found) {
    const std::uint64_t begin = next_offset_;
    auto other = found.others.begin();
    for (std::size_t i = 0; i < found.lines.size(); ++i) {
      const LineScanner::Line line{.text = line_at(found.entries, i, begin, text),
                                   .number = next_line_++,
                                   .offset = found.entries[i].offset};
      if (found.lines[i].kind == LinesWorker::Kind::kUsual) {
        check_usual(line, found.lines[i].usual);
      } else if (found.lines[i].kind == LinesWorker::Kind::kOther) {
        check_other(line, *other++);
      }
    }
    next_offset_ = begin + text.size();
  }

  void check_line(const LineScanner::Line& line) {
    if (!line.unreadable.empty()) return skip(line, line.unreadable);
    if (line.too_long) {
      return skip(line, fmt::format("{} bytes; the limit is {}", line.length, kMaxLineBytes));
    }
    if (line.blank) return;
    if (const std::optional<CheckedLine> checked = lines_.read(line.text, line.text.size()))
      return check_usual(line, *checked);
    check_other(line, parse_line(line.text));
  }

  void check_other(const LineScanner::Line& line, const Result<RecordedEvent>& event) {
    event ? check_event(line, *event) : skip(line, event.error().message);
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
    if (metadata_.began_late && metadata_.began_late->n == 0)
      add("began_late does not say with which event the recording begins");
    if (metadata_.lost_events < gaps_.lost()) {
      add(fmt::format("lost_events is {}, the gap events tell of {}", metadata_.lost_events,
                      gaps_.lost()));
    }
  }

  void check_content() {
    std::string piece;
    while (blocks_.bytes() < report_.bytes) {
      const auto want = static_cast<std::size_t>(
          std::min<std::uint64_t>(kPieceBytes, report_.bytes - blocks_.bytes()));
      // Told line by line already.
      if (!text_.read(blocks_.bytes(), want, piece)) return;
      blocks_.take(piece);
    }
    const BlockCheck::Result result = blocks_.finish(folder_, metadata_, report_.live);
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
  const TextProgress& progress_;
  std::uint64_t next_offset_ = 0;
  std::uint64_t next_line_ = 1;
  BlockCheck blocks_;
  LineCheck lines_;
  NumberCheck numbers_;
  GapCheck gaps_;
  SnapshotCheck snapshots_;
  IndexCheck index_;
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

Result<VerifyReport> verify_recording(const std::string& folder, const TextProgress& progress) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  AGDB_TRY(const EventText text, EventText::open(folder));
  const bool live = metadata.status == kStatusRecording && text.has_writer();
  // A writer may have ended between the two looks.
  if (metadata.status == kStatusRecording && !live) {
    AGDB_TRY(metadata, read_metadata(folder));
  }
  return Verifier(folder, std::move(metadata), text, live, progress).run();
}

}  // namespace agdb

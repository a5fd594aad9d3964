#include "debug/record/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "debug/record/call_line.h"
#include "debug/record/event_facts.h"

namespace agdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLinesAWrite = 100;
// What the system takes in one go costs half as much a byte as what comes in pieces of a fifth of
// it.
constexpr std::size_t kBytesAWrite = 256 << 10;
// So where lines pour in, a hundred of them wait for more, but no longer than this.
constexpr Nanoseconds kBetweenWrites = milliseconds(1);
// With a caller that asks every 2 ms this keeps the promise of 5 ms.
constexpr Nanoseconds kLongestWait = milliseconds(2);
constexpr Nanoseconds kSyncEvery = seconds(1);
constexpr Nanoseconds kRetryEvery = milliseconds(100);
constexpr std::string_view kTooLong = "longer than a line may be (64 MiB)";
constexpr std::string_view kNotDelivered = "lost on the way to the recorder";

RecordingMetadata first_metadata(Pid pid, const ProcessStart& start,
                                 const RecorderOptions& options) {
  const Nanoseconds before = options.began_late ? options.began_late->timestamp : Nanoseconds(0);
  RecordingMetadata metadata;
  metadata.pid = pid;
  metadata.intent = start.intent;
  metadata.start_time = WallTime(add_up(start.wall_start.time_since_epoch(), before));
  metadata.status = kStatusRecording;
  metadata.format_version = kFormatVersion;
  metadata.agdb_version = AGDB_VERSION;
  metadata.run_id = start.run_id;
  metadata.trace_id = start.trace_id;
  metadata.outer_span_id = start.outer_span_id;
  metadata.parent = options.parent;
  metadata.process_start_time = start.wall_start;
  metadata.time_source = start.time_source;
  metadata.runtime = start.runtime;
  metadata.source = options.source;
  metadata.forked_from = start.forked_from;
  metadata.model = start.model;
  metadata.context_budget = start.context_budget;
  metadata.max_steps = start.max_steps;
  metadata.host = options.host;
  metadata.recorded_at = options.recorded_at;
  metadata.began_late = options.began_late;
  return metadata;
}

// The files of a new recording beside its events.
Status write_first_files(FileSystem& files, const std::string& folder, const ProcessStart& start,
                         const RecordingMetadata& metadata, Persist persist) {
  if (start.script != nullptr)
    AGDB_CHECK_OK(replace_file(files, folder + "/script.json", *start.script, persist));
  return write_metadata(files, folder, metadata, persist);
}

void remove_first_files(FileSystem& files, const std::string& folder) {
  for (const char* name : {"/events.jsonl", "/script.json", "/metadata.json"})
    files.remove(folder + name);
  files.remove_dir(folder);
}

Persist persist_of(Durability durability) {
  switch (durability) {
    case Durability::kNone:
      return Persist::kNothing;
    case Durability::kFlush:
      return Persist::kContent;
    case Durability::kFsync:
      break;
  }
  return Persist::kContentAndName;
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::create(FileSystem& files,
                                                   const std::string& records_dir, Pid pid,
                                                   const ProcessStart& start,
                                                   RecorderOptions options, RecordingLog log) {
  RecordingMetadata metadata = first_metadata(pid, start, options);
  AGDB_TRY(RecordFolder folder,
           create_record_folder(files, records_dir, pid, *metadata.start_time));
  metadata.record_id = folder.record_id;
  Result<AppendFile> file = AppendFile::create(files, folder.path + "/events.jsonl");
  Status status;
  if (!file) status = std::unexpected(file.error());
  // Nothing stands there yet that an incomplete replacement could destroy.
  const bool to_disk = options.durability == Durability::kFsync;
  const Persist persist = to_disk ? Persist::kContentAndName : Persist::kNothing;
  if (status) status = write_first_files(files, folder.path, start, metadata, persist);
  if (!status) {
    remove_first_files(files, folder.path);
    return std::unexpected(std::move(status).error());
  }
  SnapshotChain contexts = std::exchange(options.contexts, {});
  std::unique_ptr<Recorder> recorder(new Recorder(files, *std::move(file), std::move(folder.path),
                                                  std::move(metadata), std::move(options),
                                                  std::move(log)));
  if (recorder->metadata_.began_late) recorder->begin_late(std::move(contexts));
  return recorder;
}

Recorder::Recorder(FileSystem& files, AppendFile file, std::string folder,
                   RecordingMetadata metadata, RecorderOptions options, RecordingLog log)
    : files_(files),
      folder_(std::move(folder)),
      metadata_(std::move(metadata)),
      options_(std::move(options)),
      log_(std::move(log)),
      lines_(std::move(file),
             std::make_unique<RecordingSidecars>(files, folder_, metadata_.record_id, log_)) {}

void Recorder::begin_late(SnapshotChain contexts) {
  next_n_ = metadata_.began_late->n;
  latest_ = metadata_.began_late->timestamp;
  chain_ = std::move(contexts);
  append_contexts(latest_, CtxId{});
}

Recorder::~Recorder() {
  if (!finished_) flush();
}

SeqNum Recorder::record(const Event& event, Nanoseconds now) {
  arrive(event.n, end_of(event), now);
  const auto* change = std::get_if<ContextChange>(&event.payload);
  if (change != nullptr && !chain_.take(*change)) {
    lose(event.n, 1, "a context's change that does not fit what is known of it");
    return {};
  }
  if (!make_way(event.n, event.timestamp, change != nullptr ? change->ctx_id : CtxId{})) return {};
  const SeqNum seq_num = append_event(event);
  if (wants_write()) write_waiting();
  return seq_num;
}

SeqNum Recorder::record(const EventView& event, Nanoseconds now) {
  const RawSyscall* call = event.raw_syscall();
  if (call == nullptr || call->name == kCtxReclaim) return record(event.event(), now);
  arrive(event.n(), add_up(event.timestamp(), call->duration), now);
  if (!make_way(event.n(), event.timestamp(), CtxId{})) return {};
  const LineHead line = head(event.timestamp(), event.n());
  append_line(lines_.buffer(), line, *call);
  const std::optional<EventHead> known = own_head(line, *call);
  const SeqNum seq_num = keep_line(false, known ? &*known : nullptr);
  if (seq_num == SeqNum{}) lose(event.n(), 1, kTooLong);
  if (wants_write()) write_waiting();
  return seq_num;
}

// An event of that number has come: those before it that did not are lost.
void Recorder::arrive(std::uint64_t n, Nanoseconds end, Nanoseconds now) {
  AGDB_ASSERT(!finished_, "an event came after the recording's end");
  now_ = now;
  if (n > next_n_) {
    lose(next_n_, n - next_n_, kNotDelivered);
    chain_.doubt();
  }
  if (n >= next_n_) next_n_ = n + 1;
  latest_ = std::max(latest_, end);
}

// Makes room for the line of event `n`, and tells before it what was lost; the context `own` is
// told by the event itself. False: there is no room, and the event is lost.
bool Recorder::make_way(std::uint64_t n, Nanoseconds timestamp, CtxId own) {
  if (!has_room()) {
    lose(n, 1, failure_);
    chain_.restart();
    return false;
  }
  if (lines_.empty()) waiting_since_ = now_;
  if (loss_.lost_events > 0) {
    append_gap(timestamp);
    append_contexts(timestamp, own);
  }
  return true;
}

// Whether a further event may wait: always, but for a disk that takes nothing.
bool Recorder::has_room() {
  if (!failing_) return true;
  if (!dropping_ && lines_.bytes() < options_.max_waiting_bytes) return true;
  if (now_ >= retry_at_ && write_waiting()) return true;
  dropping_ = true;
  return false;
}

LineHead Recorder::head(Nanoseconds timestamp, std::uint64_t n) const {
  return {.seq_num = static_cast<SeqNum>(raw(last_seq_) + 1),
          .n = n,
          .timestamp = timestamp,
          .pid = metadata_.pid};
}

SeqNum Recorder::append_event(const Event& event) {
  const LineHead line = head(event.timestamp, event.n);
  const auto append = [&](const auto& payload) -> SeqNum {
    using Payload = std::remove_cvref_t<decltype(payload)>;
    if constexpr (std::is_same_v<Payload, ContextChange>) {
      return append_snapshot(payload.ctx_id, line, false);
    } else if constexpr (std::is_same_v<Payload, ProcessStart> ||
                         std::is_same_v<Payload, ProcessEnd>) {
      panic(__FILE__, __LINE__, "a process's start or end is no event of its recording");
    } else {
      append_line(lines_.buffer(), line, payload);
      return keep_line(false);
    }
  };
  const SeqNum seq_num = std::visit(append, event.payload);
  if (seq_num == SeqNum{}) lose(event.n, 1, kTooLong);
  if (const std::optional<CtxId> ctx = reclaimed_context(event)) chain_.forget(*ctx);
  return seq_num;
}

SeqNum Recorder::append_snapshot(CtxId ctx, const LineHead& head, bool is_own) {
  chain_.append_line(lines_.buffer(), head, ctx);
  const std::size_t bytes = lines_.pending_bytes();
  const SeqNum seq_num = keep_line(is_own);
  if (seq_num != SeqNum{}) chain_.written(ctx, seq_num, bytes);
  return seq_num;
}

void Recorder::append_gap(Nanoseconds timestamp) {
  append_line(lines_.buffer(), head(timestamp, 0), std::exchange(loss_, {}));
  keep_line(true);
}

void Recorder::append_contexts(Nanoseconds timestamp, CtxId except) {
  for (const CtxId ctx : chain_.unwritten()) {
    if (ctx != except) append_snapshot(ctx, head(timestamp, 0), true);
  }
}

// What was appended is a line of the recording from here on, unless it is too long for one.
SeqNum Recorder::keep_line(bool is_own, const EventHead* known) {
  if (lines_.pending_bytes() > kMaxLineBytes) {
    lines_.undo();
    return {};
  }
  lines_.keep(is_own, known);
  last_seq_ = static_cast<SeqNum>(raw(last_seq_) + 1);
  return last_seq_;
}

void Recorder::lose(std::uint64_t first_n, std::uint64_t count, std::string_view reason) {
  lost_events_ = add_up(lost_events_, count);
  if (loss_.lost_events == 0) loss_.first_n = first_n;
  loss_.lost_events = add_up(loss_.lost_events, count);
  if (loss_.reason.find(reason) != std::string::npos) return;
  if (!loss_.reason.empty()) loss_.reason += "; ";
  loss_.reason += reason;
}

bool Recorder::wants_write() const {
  if (lines_.empty() || (failing_ && now_ < retry_at_)) return false;
  if (lines_.bytes() >= kBytesAWrite) return true;
  if (options_.durability == Durability::kNone) return false;
  if (now_ - waiting_since_ >= kLongestWait) return true;
  return lines_.lines() >= kLinesAWrite && now_ - written_at_ >= kBetweenWrites;
}

void Recorder::flush_if_due(Nanoseconds now) {
  now_ = now;
  if (wants_write()) write_waiting();
  const bool to_disk = options_.durability == Durability::kFsync && lines_.unsynced();
  if (to_disk && now - synced_at_ >= kSyncEvery) sync();
}

Status Recorder::flush() {
  return lines_.empty() ? Status() : write_waiting();
}

Status Recorder::write_waiting() {
  const AppendFile::Outcome outcome = lines_.write();
  waiting_since_ = written_at_ = now_;
  if (!outcome.status) {
    begin_failing(outcome);
    return outcome.status;
  }
  if (failing_) log_(fmt::format("recording {}: writing works again", record_id()));
  failing_ = false;
  dropping_ = false;
  return {};
}

void Recorder::begin_failing(const AppendFile::Outcome& outcome) {
  retry_at_ = now_ + kRetryEvery;
  failure_ = "could not be written: " + std::generic_category().message(outcome.error);
  if (failing_) return;
  failing_ = true;
  const Error& error = outcome.status.error();
  log_(fmt::format("recording {}: {}{}{}", record_id(), error.message,
                   error.hint.empty() ? "" : "; ", error.hint));
}

Status Recorder::sync() {
  synced_at_ = now_;
  Status status = lines_.sync();
  if (!status && !sync_failed_)
    log_(fmt::format("recording {}: {}", record_id(), status.error().message));
  sync_failed_ = !status;
  return status;
}

Status Recorder::finish(std::string_view status, std::string_view exit_reason,
                        std::uint64_t last_n) {
  if (finished_) return {};
  if (last_n >= next_n_) lose(next_n_, last_n - next_n_ + 1, kNotDelivered);
  if (loss_.lost_events > 0) append_gap(latest_);
  Status written = flush();
  if (!written) drop_waiting();
  if (options_.durability == Durability::kFsync && lines_.unsynced()) {
    const Status synced = sync();
    if (written) written = synced;
  }
  const Status described = write_final_metadata(status, exit_reason);
  const Status closed = lines_.close();
  finished_ = true;
  if (!written) return written;
  return described ? closed : described;
}

// What cannot be written is lost, and the recording ends before it.
void Recorder::drop_waiting() {
  const LineWriter::Dropped dropped = lines_.drop();
  lost_events_ = add_up(lost_events_, dropped.events);
  last_seq_ = static_cast<SeqNum>(raw(last_seq_) - dropped.lines);
}

Status Recorder::write_final_metadata(std::string_view status, std::string_view exit_reason) {
  metadata_.status = status;
  metadata_.exit_reason = exit_reason;
  metadata_.end_time = WallTime(add_up(metadata_.process_start_time->time_since_epoch(), latest_));
  metadata_.event_count = raw(last_seq_);
  metadata_.lost_events = lost_events_;
  metadata_.content_hash = lines_.content_hash().hex();
  metadata_.sums_hash = lines_.finish_beside();
  return write_metadata(files_, folder_, metadata_, persist_of(options_.durability));
}

}  // namespace agdb

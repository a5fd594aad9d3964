#include "debug/trace/recorded_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "debug/record/event_scan.h"
#include "debug/record/records_dir.h"
#include "debug/trace/span_id.h"

namespace agdb {
namespace {

// Between two calls of the progress.
constexpr std::uint64_t kProgressBytes = std::uint64_t{4} << 20;

bool has_ended(const RecordingMetadata& metadata) {
  if (metadata.status == kStatusCompleted) return true;
  // Version 1 ends a recording as stopped when its process is gone.
  return metadata.format_version < 2 && metadata.status == kStatusStopped;
}

ProcessOutcome outcome_of(const RecordingMetadata& metadata) {
  return {.exit_reason = metadata.exit_reason, .ended = has_ended(metadata)};
}

std::string run_of(const RecordingMetadata& metadata) {
  return metadata.run_id.empty() ? "record " + metadata.record_id : metadata.run_id;
}

std::uint64_t text_size(const Recording& recording) {
  if (recording.empty()) return 0;
  const EventEntry last = recording.entry(recording.size() - 1);
  return last.offset + last.length + 1;
}

void note_state(const Recording& recording, DerivedCounts& counts) {
  for (const LineDamage& damage : recording.damage())
    if (damage.skipped) ++counts.damaged_lines;
  for (const auto& [type, count] : recording.unknown_types()) counts.unknown_events += count;
  for (const std::string& note : recording.notes())
    counts.note(fmt::format("{}: {}", recording.metadata().record_id, note));
}

}  // namespace

void DerivedCounts::note(std::string line) {
  if (notes.size() < kMaxNotes) notes.push_back(std::move(line));
}

void DerivedCounts::add(const DerivedCounts& more) {
  recordings += more.recordings;
  events += more.events;
  bytes += more.bytes;
  damaged_lines += more.damaged_lines;
  unknown_events += more.unknown_events;
  for (const std::string& line : more.notes) note(line);
}

TracedProcess traced_process(const RecordingMetadata& metadata) {
  TracedProcess process;
  process.run_id = metadata.run_id;
  process.trace_id =
      metadata.trace_id.empty() ? trace_id_of_run(run_of(metadata)) : metadata.trace_id;
  process.pid = metadata.pid;
  if (metadata.parent) process.parent = metadata.parent->pid;
  process.outer_span_id = metadata.outer_span_id;
  process.record_id = metadata.record_id;
  process.intent = metadata.intent;
  process.model = metadata.model;
  if (metadata.process_start_time) {
    process.start = *metadata.process_start_time;
  } else if (metadata.start_time) {
    process.start = *metadata.start_time;
  }
  process.context_budget = metadata.context_budget;
  return process;
}

Status derive_recording(const Recording& recording, SpanDeriver& deriver, DerivedCounts& counts,
                        const DeriveProgress& progress) {
  const RecordingMetadata& metadata = recording.metadata();
  deriver.enter_recording(metadata.record_id,
                          metadata.began_late ? &*metadata.began_late : nullptr);
  ++counts.recordings;
  note_state(recording, counts);
  const std::uint64_t total = text_size(recording);
  AGDB_TRY(EventScan scan, EventScan::open(recording));
  RecordedTraceEvents reader;
  std::uint64_t told = 0;
  while (scan.next()) {
    const EventEntry& entry = scan.entry();
    if (progress && entry.offset - told >= kProgressBytes) {
      told = entry.offset;
      if (!progress(told, total)) return fail(Code::kCancelled, "interrupted");
    }
    AGDB_TRY(const std::string_view line, scan.line());
    const Result<const TraceEvent*> event = reader.read(line);
    ++counts.events;
    counts.bytes += line.size() + 1;
    if (event) {
      deriver.take(**event);
      continue;
    }
    ++counts.damaged_lines;
    counts.note(fmt::format("{}: event {} cannot be read: {}", metadata.record_id,
                            raw(entry.seq_num), event.error().message));
  }
  if (progress && !progress(total, total)) return fail(Code::kCancelled, "interrupted");
  return {};
}

Result<DerivedCounts> derive_process(const Recording& recording, TraceSink& sink,
                                     const DeriveProgress& progress) {
  DerivedCounts counts;
  SpanDeriver deriver(traced_process(recording.metadata()), sink);
  AGDB_CHECK_OK(derive_recording(recording, deriver, counts, progress));
  deriver.finish(outcome_of(recording.metadata()));
  return counts;
}

Result<RecordedRun> RecordedRun::only(const std::string& folder) {
  AGDB_TRY(RecordingMetadata metadata, read_metadata(folder));
  RecordedRun run;
  run.parts_.push_back({folder, std::move(metadata)});
  return run;
}

Result<RecordedRun> RecordedRun::of(const std::string& records_dir, const std::string& folder) {
  AGDB_TRY(RecordedRun run, only(folder));
  const RecordingMetadata& asked = run.parts_.front().metadata;
  if (asked.run_id.empty()) return run;
  AGDB_TRY(const RecordingList list, list_recordings_naming(records_dir, asked.run_id));
  std::vector<Part> parts;
  bool listed = false;
  for (const ListedRecording& each : list.recordings) {
    if (each.metadata.run_id != asked.run_id || each.metadata.trace_id != asked.trace_id) continue;
    listed = listed || each.metadata.record_id == asked.record_id;
    parts.push_back({each.folder, each.metadata});
  }
  if (!listed) parts.push_back(run.parts_.front());
  run.parts_ = std::move(parts);
  run.sort_parts();
  return run;
}

std::vector<RecordedRun> RecordedRun::all_in(RecordingList list) {
  std::vector<RecordedRun> runs;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (ListedRecording& each : list.recordings) {
    const RecordingMetadata& metadata = each.metadata;
    std::size_t place = runs.size();
    if (!metadata.run_id.empty())
      place = places.try_emplace({metadata.run_id, metadata.trace_id}, place).first->second;
    if (place == runs.size()) runs.emplace_back();
    runs[place].parts_.push_back({std::move(each.folder), std::move(each.metadata)});
  }
  for (RecordedRun& run : runs) run.sort_parts();
  return runs;
}

Result<std::vector<RecordedRun>> RecordedRun::all_named(const std::string& records_dir,
                                                        const std::string& name) {
  if (name.empty()) return std::vector<RecordedRun>();
  AGDB_TRY(RecordingList list, list_recordings_naming(records_dir, name));
  std::vector<RecordedRun> runs = all_in(std::move(list));
  std::erase_if(runs, [&](const RecordedRun& run) {
    return run.trace_id() != name && run.parts().front().metadata.run_id != name;
  });
  return runs;
}

void RecordedRun::sort_parts() {
  const auto key = [](const Part& part) {
    return std::pair(raw(part.metadata.pid), part.metadata.start_time.value_or(WallTime{}));
  };
  std::ranges::stable_sort(parts_, {}, key);
}

Result<RecordedRun> RecordedRun::named(const std::string& records_dir, const std::string& name) {
  AGDB_TRY(const RecordingList list, list_recordings_naming(records_dir, name));
  const ListedRecording* newest = nullptr;
  for (const ListedRecording& each : list.recordings) {
    const RecordingMetadata& metadata = each.metadata;
    const bool meant = name == metadata.run_id || name == traced_process(metadata).trace_id ||
                       name == fmt::format("{}", raw(metadata.pid));
    if (!meant) continue;
    if (newest == nullptr || newest->metadata.made_at() < metadata.made_at()) newest = &each;
  }
  if (newest == nullptr || name.empty())
    return fail(Code::kNotFound, fmt::format("no run, trace or process \"{}\"", name));
  return of(records_dir, newest->folder);
}

WallTime RecordedRun::start() const {
  const auto starts = [](const Part& part) { return traced_process(part.metadata).start; };
  return starts(*std::ranges::min_element(parts_, {}, starts));
}

std::string RecordedRun::trace_id() const {
  return traced_process(parts_.front().metadata).trace_id;
}

Result<DerivedCounts> RecordedRun::derive(TraceSink& sink, const DeriveProgress& progress) const {
  DerivedCounts counts;
  std::optional<Error> first_error;
  std::uint64_t total = 0;
  for (const Part& part : parts_) {
    const Result<EventText> text = EventText::open(part.folder);
    if (text) total += text->size().value_or(0);
  }
  std::uint64_t before = 0;
  const auto overall = [&](std::uint64_t done, std::uint64_t) {
    return progress(before + done, total);
  };
  for (std::size_t at = 0; at < parts_.size();) {
    std::optional<SpanDeriver> deriver;
    const Pid pid = parts_[at].metadata.pid;
    ProcessOutcome outcome;
    for (; at < parts_.size() && parts_[at].metadata.pid == pid; ++at) {
      Result<Recording> recording = Recording::open(parts_[at].folder);
      if (!recording) {
        counts.note(
            fmt::format("{}: {}", parts_[at].metadata.record_id, recording.error().message));
        if (!first_error) first_error = recording.error();
        continue;
      }
      if (!deriver) deriver.emplace(traced_process(recording->metadata()), sink);
      outcome = outcome_of(recording->metadata());
      before = counts.bytes;
      AGDB_CHECK_OK(derive_recording(*recording, *deriver, counts,
                                     progress ? DeriveProgress(overall) : DeriveProgress()));
    }
    if (deriver) deriver->finish(outcome);
  }
  if (counts.recordings == 0 && first_error) return std::unexpected(*first_error);
  return counts;
}

}  // namespace agdb

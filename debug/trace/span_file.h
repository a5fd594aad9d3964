#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/file.h"
#include "debug/trace/span.h"
#include "debug/trace/trace_sink.h"

namespace agdb {

// Traces kept in files: <traces dir>/<trace id>/spans.jsonl, one line a span (span_line.h), in the
// order in which the spans ended. Folders have mode 0700, files 0600.

// Whether a trace id from outside can name a folder: one path component of [A-Za-z0-9._-] that does
// not begin with a dot. The error names it.
Status check_trace_id(std::string_view id);
// REQUIRES: the id was checked.
std::string span_file_path(std::string_view traces_dir, std::string_view trace_id);

// Adds finished spans to the files of their traces, each with a single write at the file's end, so
// that several writers never mix within a line. Where a write stopped in the middle (a full disk),
// the next one begins a new line. One thread at a time.
class SpanFileWriter final : public TraceSink {
 public:
  // `files` outlives it.
  SpanFileWriter(FileSystem& files, std::string traces_dir);
  ~SpanFileWriter() override;
  SpanFileWriter(const SpanFileWriter&) = delete;
  SpanFileWriter& operator=(const SpanFileWriter&) = delete;

  Status append(const Span& span);

  // As a sink: spans that could not be written are counted.
  void on_span(const Span& span) override;
  std::uint64_t lost() const { return lost_; }
  // Of the first that was lost.
  const Status& first_failure() const { return failure_; }

 private:
  Status open(std::string_view trace_id);
  void close();

  FileSystem& files_;
  std::string traces_dir_;
  std::string trace_id_;  // of the file that is open
  int fd_ = -1;
  bool torn_ = false;  // the file may end within a line
  std::string line_;
  std::uint64_t lost_ = 0;
  Status failure_;
};

// A line that holds no span.
struct BadSpanLine {
  std::uint64_t line = 0;  // from 1
  std::string why;

  bool operator==(const BadSpanLine&) const = default;
};

struct SpanFileContent {
  std::vector<Span> spans;  // in file order
  std::uint64_t bad_lines = 0;
  std::vector<BadSpanLine> bad;  // the first hundred
};

// All spans of a trace. No such file: no spans. A bad line, one of more than 64 MiB included, costs
// itself only. Errors: an id that can name no folder, a file that cannot be read.
Result<SpanFileContent> read_spans(const std::string& traces_dir, std::string_view trace_id);
// The same, a span after the other, without keeping them.
struct SpanFileTally {
  std::uint64_t spans = 0;
  std::uint64_t bad_lines = 0;
  std::vector<BadSpanLine> bad;
};
Result<SpanFileTally> scan_spans(const std::string& traces_dir, std::string_view trace_id,
                                 const std::function<void(const Span&)>& take);

}  // namespace agdb

#include <unordered_map>
#include <utility>
#include <vector>

#include "debug/import/importers.h"
#include "debug/import/json_documents.h"
#include "debug/import/span_run.h"

namespace agdb {
namespace {

constexpr std::size_t kShortId = 8;

// The spans of each trace, in the order in which the traces begin in the file. A span that names no
// trace is one.
std::vector<std::vector<const ForeignSpan*>> by_trace(const std::vector<ForeignSpan>& spans) {
  std::vector<std::vector<const ForeignSpan*>> traces;
  std::unordered_map<std::string_view, std::size_t> index;
  for (const ForeignSpan& span : spans) {
    std::size_t at = traces.size();
    if (!span.trace_id.empty()) at = index.try_emplace(span.trace_id, at).first->second;
    if (at == traces.size()) traces.emplace_back();
    traces[at].push_back(&span);
  }
  return traces;
}

Error no_spans(const JsonDocuments& read, const std::string& path) {
  if (read.documents == 0)
    return {Code::kCorrupt,
            path + ":" + std::to_string(read.first_bad_line) +
                ": not JSON: " + read.first_error.message,
            "check that the file is whole"};
  return {
      Code::kInvalid, path + ": no spans in it",
      "expected OTLP/JSON requests (resourceSpans), or spans as a tracing SDK, Tempo, Jaeger or "
      "Langfuse exports them"};
}

}  // namespace

Result<SessionLog> import_otlp(std::string_view text, const std::string& path) {
  SessionLog log;
  log.format = "otlp";
  ImportTally tally(log);
  ParseNotes notes;
  std::vector<ForeignSpan> spans;
  bool understood = false;
  const JsonDocuments read = read_json_documents(text, &notes, [&](Json&& document, std::uint64_t) {
    if (read_foreign_spans(document, tally, spans)) {
      understood = true;
    } else {
      tally.not_understood("document without spans");
    }
    return true;
  });
  if (read.documents + read.bad_lines > 0 && !understood)
    return std::unexpected(no_spans(read, path));
  const auto traces = by_trace(spans);
  for (const auto& trace : traces) {
    auto run = span_run(trace, tally);
    if (!run) {
      tally.bookkeeping("trace without an agent's work");
      continue;
    }
    if (traces.size() > 1) run->name = "trace " + trace.front()->trace_id.substr(0, kShortId);
    log.runs.push_back(*std::move(run));
  }
  tally.not_understood("line not JSON", read.bad_lines);
  tally.not_understood("byte not UTF-8", notes.invalid_utf8);
  tally.not_understood("lone surrogate", notes.lone_surrogates);
  return log;
}

}  // namespace agdb

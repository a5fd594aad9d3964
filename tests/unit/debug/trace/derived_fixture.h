#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "debug/trace/live_spans.h"
#include "debug/trace/span_deriver.h"
#include "debug/trace/trace_sink.h"

namespace agdb {

inline Json as_json(const Span& span) {
  Json json = Json::object({{"kind", span_kind_name(span.kind)},
                            {"name", span.name},
                            {"pid", raw(span.pid)},
                            {"trace", span.trace_id},
                            {"id", span.span_id},
                            {"parent", span.parent_span_id},
                            {"start", span.start.time_since_epoch().count()},
                            {"duration", span.duration.count()},
                            {"calls", span.syscall_count},
                            {"tokens", span.tokens_used},
                            {"status", span_status_name(span.status)},
                            {"error", span.error},
                            {"attributes", span.attributes}});
  for (const SpanLink& link : span.links) json.set("link", link.trace_id + "/" + link.span_id);
  return json;
}

inline void PrintTo(const Span& span, std::ostream* out) {
  *out << dump(as_json(span));
}

// Keeps what it is given.
class SpanKeeper : public TraceSink {
 public:
  void on_process(const TracedProcess& process) override { processes.push_back(process); }
  void on_span_start(const Span& span) override { begun.push_back(span.span_id); }
  void on_span(const Span& span) override { spans.push_back(span); }
  void on_counter(const CounterPoint& point) override { counters.push_back(point); }
  void on_instant(const TraceInstant& instant) override { instants.push_back(instant); }

  std::vector<Span> of_kind(SpanKind kind) const {
    std::vector<Span> found;
    for (const Span& span : spans)
      if (span.kind == kind) found.push_back(span);
    return found;
  }
  const Span& only(SpanKind kind) const {
    static const Span kNone;
    const Span* found = nullptr;
    for (const Span& span : spans) {
      if (span.kind != kind) continue;
      EXPECT_EQ(found, nullptr) << "several of " << span_kind_name(kind);
      found = &span;
    }
    EXPECT_NE(found, nullptr) << "none of " << span_kind_name(kind);
    return found == nullptr ? kNone : *found;
  }
  std::map<Pid, std::vector<Span>> by_process() const {
    std::map<Pid, std::vector<Span>> processes_spans;
    for (const Span& span : spans) processes_spans[span.pid].push_back(span);
    return processes_spans;
  }
  std::vector<std::string> instant_names() const {
    std::vector<std::string> names;
    for (const TraceInstant& instant : instants) names.push_back(instant.name);
    return names;
  }

  std::vector<TracedProcess> processes;
  std::vector<std::string> begun;
  std::vector<Span> spans;
  std::vector<CounterPoint> counters;
  std::vector<TraceInstant> instants;
};

// A folder of its own, gone at the end of the test.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "agdb-trace-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace agdb

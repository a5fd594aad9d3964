#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/trace/blame.h"
#include "debug/trace/span_file.h"
#include "debug/trace/span_line.h"
#include "debug/trace/span_tree.h"
#include "debug/trace/trace_list.h"
#include "debug/trace/tree_json.h"
#include "debug/trace/tree_text.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

// A folder of traces, filled from {trace id: [line, …]}; it goes when this does.
class TraceFiles {
 public:
  static Result<TraceFiles> create(const Json& files) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "agdb_conformance_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return fail(Code::kIo, "cannot create " + folder);
    TraceFiles made(std::move(folder));
    if (!files.is_object()) return made;
    for (const Json::Member& file : files.members()) made.write(file.key, file.value);
    return made;
  }
  TraceFiles(TraceFiles&& other) noexcept : folder_(std::exchange(other.folder_, "")) {}
  TraceFiles& operator=(TraceFiles&&) = delete;
  ~TraceFiles() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  const std::string& folder() const { return folder_; }

 private:
  explicit TraceFiles(std::string folder) : folder_(std::move(folder)) {}
  void write(const std::string& trace_id, const Json& lines) const {
    const std::string path = span_file_path(folder_, trace_id);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream file(path, std::ios::binary);
    for (std::size_t i = 0; i < lines.size() && lines.is_array(); ++i)
      file << lines.items()[i].to_string().value_or("") << '\n';
  }

  std::string folder_;
};

Nanoseconds seconds(const Json& json) {
  return std::chrono::round<Nanoseconds>(
      std::chrono::duration<double>(json.to_double().value_or(0)));
}

// {"trace_id","span_id","parent","name","pid","start_s","dur_s","tokens","status"}
Result<std::vector<Span>> spans_of(const Json& in) {
  AGDB_TRY(const WallTime zero, parse_wall_time("2026-03-08T10:00:00Z"));
  std::vector<Span> spans;
  for (std::size_t i = 0; i < in.size() && in.is_array(); ++i) {
    const Json& item = in.items()[i];
    Span span;
    span.trace_id = item.text("trace_id");
    span.span_id = item.text("span_id");
    span.parent_span_id = item.text("parent");
    span.name = item.text("name");
    span.pid = Pid{item["pid"].to_uint().value_or(0)};
    span.start = zero + seconds(item["start_s"]);
    span.duration = seconds(item["dur_s"]);
    span.syscall_count = 5;
    span.tokens_used = item.integer("tokens");
    span.status = span_status_of(item.text("status"));
    spans.push_back(std::move(span));
  }
  return spans;
}

const SpanTree* pointer_to(const std::optional<SpanTree>& tree) {
  return tree ? &*tree : nullptr;
}

Result<Json> span_line_op(const Json& in, Recordings&) {
  AGDB_TRY(const Span span, SpanLineReader().read(dump(in)));
  std::string line;
  append_span_line(line, span);
  AGDB_TRY(Json written, parse_json(line));
  return Json::object(
      {{"file", span_file_path("<base>", span.trace_id)}, {"line", std::move(written)}});
}

Result<Json> spans_read_op(const Json& in, Recordings&) {
  AGDB_TRY(const TraceFiles files, TraceFiles::create(in["files"]));
  const Result<SpanFileContent> content = read_spans(files.folder(), in.text("trace_id"));
  if (!content) return refused(content.error());
  Json spans = Json::array();
  for (const Span& span : content->spans) {
    std::string line;
    append_span_line(line, span);
    AGDB_TRY(Json json, parse_json(line));
    spans.push_back(std::move(json));
  }
  return spans;
}

Result<Json> trace_list_op(const Json& in, Recordings&) {
  AGDB_TRY(const TraceFiles files, TraceFiles::create(in["files"]));
  FileSystem disk;
  const Result<TraceList> list = list_traces(files.folder(), disk);
  if (!list) return refused(list.error());
  Json traces = Json::array();
  for (const TraceSummary& trace : list->traces) traces.push_back(trace_summary_json(trace));
  return traces;
}

Result<Json> trace_list_text_op(const Json& in, Recordings&) {
  std::vector<TraceSummary> traces;
  for (std::size_t i = 0; i < in.size() && in.is_array(); ++i) {
    const Json& item = in.items()[i];
    traces.push_back(
        {.trace_id = std::string(item.text("trace_id")),
         .span_count = item["span_count"].to_uint().value_or(0),
         .total_duration = std::chrono::milliseconds(item.integer("total_duration_ms")),
         .root_span_name = std::string(item.text("root_span_name"))});
  }
  return Json(trace_list_text(traces));
}

Result<Json> span_tree_op(const Json& in, Recordings&) {
  AGDB_TRY(std::vector<Span> spans, spans_of(in));
  const std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  if (!tree) return Json();
  Json walk = Json::array();
  for (std::size_t at = 0; at < tree->root_size(); ++at) {
    const SpanTree::Node& node = tree->nodes()[at];
    walk.push_back(Json(Json::Array{node.span->name, node.depth}));
  }
  return Json::object({{"walk", std::move(walk)}, {"metadata", metadata_json(tree->metadata())}});
}

Result<Json> tree_text_op(const Json& in, Recordings&) {
  AGDB_TRY(std::vector<Span> spans, spans_of(in["spans"]));
  const std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  return Json(tree_text(pointer_to(tree), {.verbose = in.boolean("verbose")}));
}

// Vectors tell spans by their names alone.
void name_only(Json& spans) {
  if (spans.is_object()) spans = Json(spans.text("name"));
  if (!spans.is_array()) return;
  for (Json& span : spans.items()) span = Json(span.text("name"));
}

Result<Json> blame_op(const Json& in, Recordings&) {
  AGDB_TRY(std::vector<Span> spans, spans_of(in));
  const std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  if (!tree) return Json();
  Json json = blame_json(*tree, find_blame(*tree));
  name_only(*json.find("critical_path"));
  if (Json& chains = *json.find("error_chains"); chains.is_array()) {
    for (Json& chain : chains.items()) {
      name_only(*chain.find("path"));
      name_only(*chain.find("root_cause"));
    }
  }
  return json;
}

Result<Json> blame_text_op(const Json& in, Recordings&) {
  AGDB_TRY(std::vector<Span> spans, spans_of(in));
  const std::optional<SpanTree> tree = SpanTree::build(std::move(spans));
  if (!tree) return Json(blame_text(nullptr, nullptr));
  const Blame blame = find_blame(*tree);
  return Json(blame_text(&*tree, &blame));
}

}  // namespace

void add_trace_ops(Ops& ops) {
  ops["span_line"] = span_line_op;
  ops["spans_read"] = spans_read_op;
  ops["trace_list"] = trace_list_op;
  ops["trace_list_text"] = trace_list_text_op;
  ops["span_tree"] = span_tree_op;
  ops["tree_text"] = tree_text_op;
  ops["blame"] = blame_op;
  ops["blame_text"] = blame_text_op;
}

}  // namespace agdb::conformance

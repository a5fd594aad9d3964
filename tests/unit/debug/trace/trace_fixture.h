#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "debug/trace/span.h"
#include "debug/trace/span_tree.h"

namespace agdb {

inline const WallTime kZero = WallTime(std::chrono::seconds(1'772'964'000));  // 2026-03-08T10:00Z

// A span of trace "t1" that begins that many seconds after kZero. Its name is its id.
inline Span make_span(std::string id, std::string parent, double start = 0, double duration = 1) {
  const auto exact = [](double seconds) {
    return std::chrono::round<Nanoseconds>(std::chrono::duration<double>(seconds));
  };
  Span span;
  span.trace_id = "t1";
  span.name = id;
  span.span_id = std::move(id);
  span.parent_span_id = std::move(parent);
  span.pid = Pid{1};
  span.start = kZero + exact(start);
  span.duration = exact(duration);
  return span;
}

// "name" of each node in order, indented by two blanks a level.
inline std::vector<std::string> walk(const SpanTree& tree) {
  std::vector<std::string> lines;
  for (const SpanTree::Node& node : tree.nodes())
    lines.push_back(std::string(std::size_t{2} * node.depth, ' ') + node.span->name);
  return lines;
}

// Stands still until it is told to go on.
class TestClock final : public Clock {
 public:
  Nanoseconds now() const override { return now_; }
  WallTime wall() const override { return kZero + now_; }
  void pass(Nanoseconds time) { now_ += time; }

 private:
  Nanoseconds now_{0};
};

// A folder that goes when this does.
class TempTraces {
 public:
  TempTraces() {
    path_ = (std::filesystem::temp_directory_path() / "agdb_traces_XXXXXX").string();
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
  }
  ~TempTraces() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempTraces(const TempTraces&) = delete;
  TempTraces& operator=(const TempTraces&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& trace_id) const {
    return path_ + "/" + trace_id + "/spans.jsonl";
  }
  void write(const std::string& trace_id, std::string_view text) const {
    std::filesystem::create_directories(path_ + "/" + trace_id);
    std::ofstream(file(trace_id), std::ios::binary) << text;
  }
  std::string read(const std::string& trace_id) const {
    std::ifstream stream(file(trace_id), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::string path_;
};

}  // namespace agdb

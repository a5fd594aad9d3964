// agdb_conformance VECTORS [--fixtures FILE]: runs vectors (one JSON object a line: id, op, in,
// out) through the library and compares the answers. Prints one line for each that fails, then the
// counts.

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>

#include "tests/conformance/matching.h"
#include "tests/conformance/ops.h"

namespace agdb::conformance {

namespace {

enum ExitCode { kAllPassed = 0, kSomeFailed = 1, kWrongUsage = 2 };

struct Arguments {
  std::string vectors;
  std::string fixtures;
};

std::optional<Arguments> parse_arguments(std::span<char*> words) {
  Arguments arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "--fixtures" && i + 1 < words.size()) {
      arguments.fixtures = words[++i];
    } else if (!word.starts_with("-") && arguments.vectors.empty()) {
      arguments.vectors = word;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.vectors.empty()) return std::nullopt;
  if (arguments.fixtures.empty()) {
    const auto folder = std::filesystem::path(arguments.vectors).parent_path();
    arguments.fixtures = (folder / "fixtures.json").string();
  }
  return arguments;
}

Result<std::string> text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::kIo, fmt::format("cannot read {}", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Vectors that name no recording need no fixtures.
Result<Json> load_fixtures(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Json::object();
  AGDB_TRY(const std::string text, text_of_file(path));
  return parse_json(text);
}

Ops all_ops() {
  Ops ops;
  add_helper_ops(ops);
  add_record_ops(ops);
  add_session_ops(ops);
  add_diff_ops(ops);
  add_replay_text_ops(ops);
  add_fork_ops(ops);
  add_strace_ops(ops);
  add_context_ops(ops);
  add_kernel_ops(ops);
  add_trace_ops(ops);
  return ops;
}

// What is wrong with the answer to one vector; empty when it is as expected.
std::string failure_of(const Json& vector, const Ops& ops, Recordings& recordings) {
  const auto op = ops.find(vector.text("op"));
  const Json& expected = vector["out"];
  if (op == ops.end()) {
    return fmt::format("expected {}, got unknown op {}", dump(expected), vector.text("op"));
  }
  const Result<Json> got = op->second(vector["in"], recordings);
  if (!got) {
    return fmt::format("expected {}, got an input that makes no sense: {}", dump(expected),
                       got.error().message);
  }
  if (matches(expected, *got)) return "";
  return fmt::format("expected {}, got {}", dump(expected), dump(*got));
}

struct Counts {
  int passed = 0;
  int failed = 0;
};

Counts run_all(std::istream& lines, const Ops& ops, Recordings& recordings) {
  Counts counts;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Result<Json> vector = parse_json(line);
    const std::string name = vector && vector->is_object() ? std::string(vector->text("id"))
                                                           : fmt::format("line {}", number);
    const std::string failure = !vector               ? vector.error().message
                                : vector->is_object() ? failure_of(*vector, ops, recordings)
                                                      : "expected an object";
    if (failure.empty()) {
      ++counts.passed;
    } else {
      ++counts.failed;
      fmt::print("{}: {}\n", name, failure);
    }
  }
  return counts;
}

int run(const Arguments& arguments) {
  std::ifstream vectors(arguments.vectors, std::ios::binary);
  Result<Json> fixtures = load_fixtures(arguments.fixtures);
  if (!vectors || !fixtures) {
    fmt::print(stderr, "agdb_conformance: {}\n",
               vectors ? fixtures.error().message : "cannot read " + arguments.vectors);
    return kWrongUsage;
  }
  Result<Recordings> recordings = Recordings::create(*std::move(fixtures));
  if (!recordings) {
    fmt::print(stderr, "agdb_conformance: {}\n", recordings.error().message);
    return kWrongUsage;
  }
  const Counts counts = run_all(vectors, all_ops(), *recordings);
  fmt::print("{} passed, {} failed\n", counts.passed, counts.failed);
  return counts.failed == 0 && counts.passed > 0 ? kAllPassed : kSomeFailed;
}

}  // namespace

}  // namespace agdb::conformance

int main(int argc, char** argv) {
  const auto arguments =
      agdb::conformance::parse_arguments(std::span(argv, static_cast<std::size_t>(argc)));
  if (!arguments) {
    fmt::print(stderr, "usage: agdb_conformance VECTORS [--fixtures FILE]\n");
    return agdb::conformance::kWrongUsage;
  }
  return agdb::conformance::run(*arguments);
}

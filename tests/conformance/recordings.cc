#include "tests/conformance/recordings.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

namespace agdb::conformance {

namespace {

namespace fs = std::filesystem;

Status write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return fail(Code::kIo, fmt::format("cannot write {}", path.string()));
  return {};
}

// A file's text: given as text, or as the JSON value that it holds.
std::string file_text(const Json& content) {
  return content.is_string() ? content.string() : dump(content);
}

// The rule F1(n) of the vectors' description: n lines of one system call.
std::string f1_events(std::int64_t count) {
  std::string text;
  for (std::int64_t i = 1; i <= count; ++i) {
    text +=
        fmt::format(R"({{"seq_num":{0},"timestamp":{1},"pid":42,"type":"syscall",)"
                    R"("syscall":{{"syscall":"TestCall","args":{{"seq":{0}}},"duration":{2}}}}})"
                    "\n",
                    i, i * 100'000'000, i * 1'000'000);
  }
  return text;
}

std::optional<std::int64_t> f1_count(std::string_view name) {
  if (!name.starts_with("F1(") || !name.ends_with(")")) return std::nullopt;
  const std::string_view digits = name.substr(3, name.size() - 4);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size() || count < 0)
    return std::nullopt;
  return count;
}

Json f1_metadata(std::int64_t count) {
  return Json::object({{"record_id", "42-1709856000"},
                       {"pid", 42},
                       {"intent", "test intent"},
                       {"start_time", "2024-03-08T00:00:00Z"},
                       {"end_time", "2024-03-08T00:01:00Z"},
                       {"event_count", count},
                       {"status", "completed"}});
}

std::string lines_of(const Json& events) {
  std::string text;
  if (!events.is_array()) return text;
  for (const Json& event : events.items()) text += dump(event) + "\n";
  return text;
}

}  // namespace

Result<Recordings> Recordings::create(Json fixtures) {
  std::string pattern = (fs::temp_directory_path() / "agdb_conformance_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return fail(Code::kIo, fmt::format("cannot make the folder {}", pattern));
  }
  return Recordings(std::move(pattern), std::move(fixtures));
}

Recordings::Recordings(std::string folder, Json fixtures)
    : folder_(std::move(folder)), fixtures_(std::move(fixtures)) {}

Recordings::Recordings(Recordings&& other) noexcept
    : folder_(std::exchange(other.folder_, {})),
      fixtures_(std::move(other.fixtures_)),
      made_(other.made_) {}

Recordings::~Recordings() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<Result<Recording>> Recordings::open(const Json& in) {
  Json metadata = in["metadata"];
  Json events_jsonl = in["events_jsonl"];
  Json recording = in["recording"];
  if (const auto name = recording.to_string()) {
    AGDB_TRY(recording, fixture(*name));
  }
  if (recording.is_object()) {
    metadata = recording["metadata"];
    events_jsonl = recording.find("events_jsonl") != nullptr ? recording["events_jsonl"]
                                                             : Json(lines_of(recording["events"]));
  }
  AGDB_TRY(const std::string folder, new_folder(metadata, events_jsonl));
  return Recording::open(folder);
}

Result<std::string> Recordings::new_folder(const Json& metadata, const Json& events_jsonl) {
  const fs::path folder = fs::path(folder_) / fmt::format("{}", ++made_);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return fail(Code::kIo, fmt::format("cannot make the folder {}", folder.string()));
  if (!metadata.is_null()) {
    AGDB_CHECK_OK(write_file(folder / "metadata.json", file_text(metadata)));
  }
  if (!events_jsonl.is_null()) {
    AGDB_CHECK_OK(write_file(folder / "events.jsonl", file_text(events_jsonl)));
  }
  return folder.string();
}

Result<Json> Recordings::fixture(std::string_view name) const {
  if (const auto count = f1_count(name)) {
    return Json::object({{"metadata", f1_metadata(*count)}, {"events_jsonl", f1_events(*count)}});
  }
  if (const Json* found = fixtures_.find(name)) return *found;
  return fail(Code::kNotFound, fmt::format("no recording \"{}\" among the fixtures", name));
}

}  // namespace agdb::conformance

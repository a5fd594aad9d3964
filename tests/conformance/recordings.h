#pragma once

#include <map>
#include <string>
#include <string_view>

#include "debug/record/reader.h"
#include "runtime/events/json.h"

namespace agdb::conformance {

// The recordings that vectors name or carry, as folders of files that the real reader opens. The
// folders go when this does.
class Recordings {
 public:
  // `fixtures`: {name: {"metadata": …, "events": […]}}.
  static Result<Recordings> create(Json fixtures);
  Recordings(Recordings&& other) noexcept;
  Recordings& operator=(Recordings&&) = delete;
  ~Recordings();

  // What a vector's input calls its recording: {"recording": name of a fixture, "F1(n)", or
  // {"metadata", "events"}}, or the files' own texts, {"metadata", "events_jsonl"}; a null file is
  // missing. The reader's error is the inner one.
  Result<Result<Recording>> open(const Json& in);

 private:
  explicit Recordings(std::string folder, Json fixtures);
  Result<std::string> new_folder(const Json& metadata, const Json& events_jsonl);
  Result<Json> fixture(std::string_view name) const;

  std::string folder_;
  Json fixtures_;
  int made_ = 0;
};

}  // namespace agdb::conformance

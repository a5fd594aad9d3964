#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "debug/record/recording_manager.h"
#include "record_fixture.h"

namespace agdb {

class ManualClock final : public Clock {
 public:
  Nanoseconds now() const override { return now_; }
  WallTime wall() const override { return WallTime(std::chrono::hours(500'000)); }
  void pass(Nanoseconds time) { now_ += time; }

 private:
  Nanoseconds now_{std::chrono::seconds(1)};
};

// The events of a small family, handed over one by one.
class ManagerTest : public RecordTest {
 protected:
  void start(RecordingOptions options = {}) {
    options.records_dir = records_;
    manager_ = std::make_unique<RecordingManager>(files_, clock_, std::move(options), log());
  }
  ProcessEvents& process(std::uint64_t number) {
    return processes_.try_emplace(number, pid(number)).first->second;
  }
  void born(std::uint64_t number, std::uint64_t parent = 0) {
    ProcessStart start = birth();
    start.parent = pid(parent);
    manager_->on_event({.pid = pid(number), .payload = std::move(start)});
  }
  void call(std::uint64_t number, std::string name, Json result = {}) {
    manager_->on_event(process(number).call(std::move(name), {}, std::move(result)));
  }
  void take(Event event) { manager_->on_event(event); }
  // The whole context 1 of a process, with one message.
  void context(std::uint64_t number, std::string text) {
    take(process(number).context(ctx(1), 0, {message("user", std::move(text))}, "be brief"));
  }
  void append(std::uint64_t number, std::string text) {
    take(process(number).append(ctx(1), "user", std::move(text)));
  }
  void answer(std::uint64_t number, std::int64_t request, std::int64_t response) {
    take(process(number).payload(
        LlmResponse{.model = "m", .request_tokens = request, .response_tokens = response}));
  }
  void spawn(std::uint64_t parent, std::uint64_t child) { call(parent, "Spawn", child); }
  void dead(std::uint64_t number) {
    manager_->on_event(
        {.pid = pid(number),
         .payload = ProcessEnd{.exit_reason = "completed", .last_n = process(number).last_n()}});
  }
  RecordingMetadata metadata_of(std::uint64_t number) {
    const std::optional<std::string> id = manager_->record_id(pid(number));
    EXPECT_TRUE(id) << number;
    const Result<RecordingMetadata> metadata = read_metadata(records_ + "/" + id.value_or("none"));
    EXPECT_TRUE(metadata);
    return metadata.value_or(RecordingMetadata());
  }
  // The folder of a process's newest recording.
  std::string folder_of(std::uint64_t number) {
    return records_ + "/" + manager_->record_id(pid(number)).value_or("none");
  }

  ManualClock clock_;
  std::unique_ptr<RecordingManager> manager_;
  std::map<std::uint64_t, ProcessEvents> processes_;
};

}  // namespace agdb

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "debug/record/file.h"
#include "debug/record/reader.h"
#include "debug/record/recorder.h"

namespace agdb {

inline SeqNum seq(std::uint64_t number) {
  return static_cast<SeqNum>(number);
}
inline CtxId ctx(std::uint64_t number) {
  return static_cast<CtxId>(number);
}
inline Pid pid(std::uint64_t number) {
  return static_cast<Pid>(number);
}

// A folder of its own, gone at the end of the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

std::string read_text(const std::string& path);
void write_text(const std::string& path, std::string_view text);
// The lines of a file, without their ends; the last also when it has none.
std::vector<std::string> read_lines(const std::string& path);

// Makes the events of one process, numbered and 1 ms apart.
class ProcessEvents {
 public:
  explicit ProcessEvents(Pid pid) : pid_(pid) {}

  Event call(std::string name, Json args = {}, Json result = {});
  Event append(CtxId ctx, std::string role, std::string content);
  Event context(CtxId ctx, std::uint64_t keep, std::vector<Message> messages,
                std::optional<std::string> prompt = {});
  Event payload(Event::Payload payload);
  // Numbers that no event carries: as if a full ring had refused them.
  void lose(std::uint64_t count) { n_ += count; }
  std::uint64_t last_n() const { return n_; }

 private:
  struct Context {
    std::vector<std::int64_t> tokens;  // of each message
    std::int64_t prompt_tokens = 0;
  };
  Pid pid_;
  std::uint64_t n_ = 0;
  std::map<CtxId, Context> contexts_;
};

Message message(std::string role, std::string content);

// Deep copies of one state, to compare with what a reader restores.
std::vector<Message> copy_of(const std::vector<MessagePtr>& messages);

// A disk that does what a test tells it. All else goes to the real one.
class FaultyFileSystem : public FileSystem {
 public:
  // The write with that number (from 1), and all up to `last`, gives `error`; but first a write of
  // `partial` bytes happens, where that is not 0.
  struct Fault {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    int error = 0;
    std::size_t partial = 0;
  };
  void fail_writes(Fault fault) { fault_ = fault; }
  // Only writes of files whose path ends so count, and fail; else all but those beside the events.
  void only(std::string name) { only_ = std::move(name); }
  void fail_truncate(bool fail) { fail_truncate_ = fail; }
  void fail_renames(int error) { rename_error_ = error; }
  void fail_syncs(int error) { sync_error_ = error; }

  std::uint64_t writes() const { return writes_; }
  std::uint64_t syncs() const { return syncs_; }

  int open(const std::string& path, int flags, unsigned mode) override;
  std::int64_t write(int fd, std::string_view bytes) override;
  int truncate(int fd, std::uint64_t size) override;
  int rename(const std::string& from, const std::string& to) override;
  int sync(int fd) override;

 private:
  bool is_meant(int fd) const;

  Fault fault_;
  std::string only_;
  std::map<int, std::string> paths_;  // of what is or was open
  bool partial_done_ = false;
  bool fail_truncate_ = false;
  int rename_error_ = 0;
  int sync_error_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t syncs_ = 0;
};

// Tests that write recordings: a records dir, a disk, a log.
class RecordTest : public testing::Test {
 protected:
  static ProcessStart birth();
  // A recorder of PID 7 in the records dir.
  std::unique_ptr<Recorder> recorder(RecorderOptions options = {});
  std::unique_ptr<Recorder> recorder_of(Pid pid, const ProcessStart& start,
                                        RecorderOptions options = {});
  Recording open(const std::string& folder);
  Recording open(const Recorder& recorder) { return open(recorder.folder()); }
  RecordingLog log();

  // A recording's folder with these two files.
  std::string recording(std::string_view metadata, std::string_view events);
  // The same with metadata that says "completed".
  std::string recording(std::string_view events, std::int64_t version = 2);

  TempFolder temp_;
  const std::string records_ = temp_ / "records";
  FaultyFileSystem files_;
  std::vector<std::string> logged_;
};

// What is true of every recording of ours, whatever happened: whole lines that can be read,
// numbered from 1 without a hole, each context as its hash says, losses told.
void expect_sound(const std::string& folder);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/events/event.h"
#include "runtime/events/script.h"
#include "runtime/kernel/context.h"
#include "runtime/kernel/task.h"

namespace agdb {

// What a process opens, writes and reads. Three levels, so that a driver says only what it must:
// ModelDriver and ToolDriver answer whole calls; Device and OpenFile are for what is more like a
// file. All are called on the kernel's thread and must not block it: what takes time answers later,
// through the Reply, from any thread.

// open(2)'s flags, as events show them.
enum class OpenMode : int { kRead = 0, kWrite = 1, kReadWrite = 2 };

// Who calls: what a scripted driver finds its place with. Valid until the driver has replied.
struct Caller {
  Pid pid{};
  // The agent whose script the process executes; null when it has none.
  std::shared_ptr<const ScriptAgent> agent;
};

struct ModelRequest {
  Caller caller;
  const Context* context = nullptr;  // valid during call(), not after
  std::string model;
};

struct ModelAnswer {
  // attempt_starts count from the call's start here; the kernel makes them the process's time.
  LlmResponse response;
  std::string thinking;
  // Attempts that failed before this one, and how long after the call's start they did.
  struct Failure {
    std::string error;
    Nanoseconds at{0};
  };
  std::vector<Failure> failures;
  // The script turn that answered, for the message's `turn`; 0 = none.
  std::uint64_t turn = 0;
};

// A model. One call = one answer to one context.
class ModelDriver {
 public:
  virtual ~ModelDriver() = default;
  virtual void call(const ModelRequest& request, Reply<ModelAnswer> reply) = 0;
};

struct ToolRequest {
  Caller caller;
  std::string name;
  std::string call_id;
  std::string arguments;  // compact JSON, as written to the device
  // The script turn of the answer that asked for the call (0 = none) and the call's index in it.
  std::uint64_t turn = 0;
  std::size_t index = 0;
};

// A tool. Its error's message is what the model is given as the tool's answer.
class ToolDriver {
 public:
  virtual ~ToolDriver() = default;
  virtual void call(const ToolRequest& request, Reply<std::string> reply) = 0;
};

// One open file of one process: at most one read or write is under way at a time. Destroying it
// closes it, also while a call is under way (whose reply then goes nowhere).
class OpenFile {
 public:
  virtual ~OpenFile() = default;
  // How many bytes were taken.
  virtual void write(std::string data, Reply<std::uint64_t> reply) = 0;
  // Up to `length` bytes; empty at the end.
  virtual void read(std::uint64_t length, Reply<std::string> reply) = 0;
};

// What the open call knows beside the path. Model and tool devices take the call's facts from here.
struct OpenRequest {
  std::string path;  // what follows the mount point, without a leading '/'
  OpenMode mode = OpenMode::kReadWrite;
  Caller caller;
  std::string call_id;
  std::uint64_t turn = 0;
  std::size_t index = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual Result<std::unique_ptr<OpenFile>> open(const OpenRequest& request) = 0;
  // Not null for a model: the kernel hands it contexts instead of bytes.
  virtual ModelDriver* model() { return nullptr; }
};

// The devices that drivers are mounted as.
std::shared_ptr<Device> make_model_device(std::shared_ptr<ModelDriver> driver);
// A written text is the call's arguments, what is read its result. The tool's name is `name`, or,
// when that is empty, the path below the mount point: one device for a folder of tools.
std::shared_ptr<Device> make_tool_device(std::shared_ptr<ToolDriver> driver, std::string name = {});
std::shared_ptr<Device> make_null_device();
// The files below a folder, which must exist. Nothing leaves it: a path with `..`, an absolute link
// or a link that leads out is kPermission. Regular files only.
Result<std::shared_ptr<Device>> make_fs_device(const std::string& folder);

}  // namespace agdb

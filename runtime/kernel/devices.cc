#include "runtime/kernel/device.h"

#include <utility>

namespace agdb {
namespace {

class NullFile final : public OpenFile {
 public:
  void write(std::string data, Reply<std::uint64_t> reply) override { reply(data.size()); }
  void read(std::uint64_t, Reply<std::string> reply) override { reply(std::string()); }
};

class NullDevice final : public Device {
 public:
  Result<std::unique_ptr<OpenFile>> open(const OpenRequest&) override {
    return std::make_unique<NullFile>();
  }
};

// Reads and writes of a model go through ModelDriver::call; a file that is written and read as
// bytes has nothing to say.
class ModelFile final : public OpenFile {
 public:
  void write(std::string, Reply<std::uint64_t> reply) override {
    reply(fail(Code::kInvalid, "a model takes a context, not bytes"));
  }
  void read(std::uint64_t, Reply<std::string> reply) override {
    reply(fail(Code::kInvalid, "a model gives an answer, not bytes"));
  }
};

class ModelDevice final : public Device {
 public:
  explicit ModelDevice(std::shared_ptr<ModelDriver> driver) : driver_(std::move(driver)) {}
  Result<std::unique_ptr<OpenFile>> open(const OpenRequest& request) override {
    if (!request.path.empty())
      return fail(Code::kNotFound, "no such device below a model: " + request.path);
    return std::make_unique<ModelFile>();
  }
  ModelDriver* model() override { return driver_.get(); }

 private:
  const std::shared_ptr<ModelDriver> driver_;
};

// What is written is kept as the arguments; the first read makes the call.
class ToolFile final : public OpenFile {
 public:
  ToolFile(std::shared_ptr<ToolDriver> driver, ToolRequest request)
      : driver_(std::move(driver)), request_(std::move(request)) {}

  void write(std::string data, Reply<std::uint64_t> reply) override {
    const std::uint64_t size = data.size();
    request_.arguments += data;
    reply(size);
  }

  void read(std::uint64_t, Reply<std::string> reply) override {
    if (std::exchange(called_, true)) {
      reply(std::string());
      return;
    }
    driver_->call(request_, std::move(reply));
  }

 private:
  const std::shared_ptr<ToolDriver> driver_;
  ToolRequest request_;
  bool called_ = false;
};

class ToolDevice final : public Device {
 public:
  ToolDevice(std::shared_ptr<ToolDriver> driver, std::string name)
      : driver_(std::move(driver)), name_(std::move(name)) {}

  Result<std::unique_ptr<OpenFile>> open(const OpenRequest& request) override {
    ToolRequest call{.caller = request.caller,
                     .name = name_.empty() ? request.path : name_,
                     .call_id = request.call_id,
                     .arguments = {},
                     .turn = request.turn,
                     .index = request.index};
    if (call.name.empty()) return fail(Code::kNotFound, "no tool named");
    return std::make_unique<ToolFile>(driver_, std::move(call));
  }

 private:
  const std::shared_ptr<ToolDriver> driver_;
  const std::string name_;
};

}  // namespace

std::shared_ptr<Device> make_model_device(std::shared_ptr<ModelDriver> driver) {
  return std::make_shared<ModelDevice>(std::move(driver));
}

std::shared_ptr<Device> make_tool_device(std::shared_ptr<ToolDriver> driver, std::string name) {
  return std::make_shared<ToolDevice>(std::move(driver), std::move(name));
}

std::shared_ptr<Device> make_null_device() {
  return std::make_shared<NullDevice>();
}

}  // namespace agdb

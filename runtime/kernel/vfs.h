#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/kernel/device.h"

namespace agdb {

// The mount table: which device stands behind a path. Kernel's thread.
class Vfs {
 public:
  // `path` is absolute and normal ("/dev/tool/search"). Errors: kInvalid for another form or when
  // something is mounted there.
  Status mount(const std::string& path, std::shared_ptr<Device> device);
  Status unmount(const std::string& path);

  struct Found {
    std::shared_ptr<Device> device;
    std::string rest;  // what follows the mount point, without a leading '/'
  };
  // The device with the longest mount point that is the path or one of its folders. The path is
  // taken as it is: a device decides what `..` below it means. Error: kNotFound.
  Result<Found> find(std::string_view path) const;

 private:
  std::map<std::string, std::shared_ptr<Device>, std::less<>> mounts_;
};

}  // namespace agdb

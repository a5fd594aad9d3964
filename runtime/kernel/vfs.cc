#include "runtime/kernel/vfs.h"

namespace agdb {
namespace {

bool is_normal(std::string_view path) {
  if (path.size() < 2 || path.front() != '/' || path.back() == '/') return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(part.size());
  }
  return true;
}

}  // namespace

Status Vfs::mount(const std::string& path, std::shared_ptr<Device> device) {
  if (!is_normal(path))
    return fail(Code::kInvalid, "cannot mount at \"" + path + "\"",
                "give an absolute path without . or ..");
  if (!mounts_.emplace(path, std::move(device)).second)
    return fail(Code::kInvalid, "something is mounted at " + path + " already");
  return {};
}

Status Vfs::unmount(const std::string& path) {
  if (mounts_.erase(path) == 0) return fail(Code::kNotFound, "nothing is mounted at " + path);
  return {};
}

Result<Vfs::Found> Vfs::find(std::string_view path) const {
  std::string_view prefix = path;
  while (!prefix.empty()) {
    if (const auto at = mounts_.find(prefix); at != mounts_.end()) {
      std::string_view rest = path.substr(prefix.size());
      if (!rest.empty()) rest.remove_prefix(1);
      return Found{at->second, std::string(rest)};
    }
    const std::size_t slash = prefix.rfind('/');
    if (slash == std::string_view::npos) break;
    prefix = prefix.substr(0, slash);
  }
  return fail(Code::kNotFound, "no such device: " + std::string(path));
}

}  // namespace agdb

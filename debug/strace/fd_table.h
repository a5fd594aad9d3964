#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/events/event.h"
#include "runtime/events/raw_event.h"

namespace agdb {

// Which path an open file descriptor stands for, per process: Read, Write and Close carry the
// descriptor only. Feed every system call, in order. Descriptors opened before the first event fed
// are not known. One thread at a time.
class FdTable {
 public:
  // Descriptors remembered at most, over all processes; a stream that opens and never closes cannot
  // make it grow further.
  static constexpr std::size_t kMaxOpen = 1u << 16;

  // Takes notice of the call, and returns the path it is about: that of an Open, or the one behind
  // the descriptor of a Read, Write or Close; empty for others and where it is not known. Valid
  // until the next call.
  std::string_view track(Pid pid, const Syscall& call);
  std::string_view track(Pid pid, const RawSyscall& call);
  // The path that track returned last, for whoever keeps it; may be nullptr when it was empty.
  const std::shared_ptr<const std::string>& path() const { return current_; }
  // The process is gone.
  void forget(Pid pid);
  // Opens that found no room.
  std::uint64_t not_kept() const { return not_kept_; }

 private:
  using Key = std::pair<Pid, std::int64_t>;
  using Descriptor = std::optional<std::int64_t>;
  template <typename Call>
  std::string_view track_call(Pid pid, const Call& call);
  void opened(Pid pid, std::string_view path, Descriptor descriptor);
  void used(Pid pid, Descriptor descriptor, bool closed);

  std::map<Key, std::shared_ptr<const std::string>> paths_;
  std::shared_ptr<const std::string> current_;
  std::uint64_t not_kept_ = 0;
};

}  // namespace agdb

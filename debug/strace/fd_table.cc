#include "debug/strace/fd_table.h"

#include <charconv>
#include <limits>
#include <optional>

#include "runtime/events/text.h"

namespace agdb {
namespace {

// Paths are told apart by how they begin; of a longer one no more is kept.
constexpr std::size_t kMaxPath = 4096;

// 3, or the reference's "FD(3)".
std::optional<std::int64_t> descriptor_of(const Json& value) {
  if (const auto number = value.to_int()) return number;
  const auto text = value.to_string();
  if (!text || !text->starts_with("FD(") || !text->ends_with(")")) return std::nullopt;
  const std::string_view digits = text->substr(3, text->size() - 4);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

bool works_on_descriptor(std::string_view name) {
  return name == "Read" || name == "Write" || name == "Close";
}

}  // namespace

std::string_view FdTable::track(Pid pid, const Syscall& call) {
  current_.clear();
  if (call.name == "Open") {
    opened(pid, call);
  } else if (works_on_descriptor(call.name)) {
    used(pid, call);
  }
  return current_;
}

void FdTable::opened(Pid pid, const Syscall& call) {
  current_ = prefix_of_bytes(call.args.text("path"), kMaxPath);
  const auto descriptor = descriptor_of(call.result);
  if (!call.err.empty() || !descriptor) return;
  const Key key{pid, *descriptor};
  if (paths_.size() >= kMaxOpen && !paths_.contains(key)) {
    ++not_kept_;
    return;
  }
  paths_[key] = current_;
}

void FdTable::used(Pid pid, const Syscall& call) {
  const auto descriptor = descriptor_of(call.args["fd"]);
  if (!descriptor) return;
  const auto found = paths_.find(Key{pid, *descriptor});
  if (found == paths_.end()) return;
  current_ = found->second;
  if (call.name == "Close" && call.err.empty()) paths_.erase(found);
}

void FdTable::forget(Pid pid) {
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  const auto first = paths_.lower_bound(Key{pid, kLowest});
  auto last = first;
  while (last != paths_.end() && last->first.first == pid) ++last;
  paths_.erase(first, last);
}

}  // namespace agdb

#include "debug/strace/fd_table.h"

#include <charconv>
#include <limits>
#include <optional>

#include "runtime/events/text.h"

namespace agdb {
namespace {

// Paths are told apart by how they begin; of a longer one no more is kept.
constexpr std::size_t kMaxPath = 4096;

// 3 in the reference's "FD(3)".
std::optional<std::int64_t> descriptor_in(std::string_view text) {
  if (!text.starts_with("FD(") || !text.ends_with(")")) return std::nullopt;
  const std::string_view digits = text.substr(3, text.size() - 4);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// A number, or the reference's text.
std::optional<std::int64_t> descriptor_of(const Json& value) {
  if (const auto number = value.to_int()) return number;
  const auto text = value.to_string();
  return text ? descriptor_in(*text) : std::nullopt;
}

std::optional<std::int64_t> descriptor_of(const RawValue& value) {
  if (value.tag() == RawTag::kInt) return value.integer();
  if (value.tag() == RawTag::kText) return descriptor_in(value.text());
  return descriptor_of(value.to_json());
}

const Json& argument(const Syscall& call, std::string_view key) {
  return call.args[key];
}

// Of several of one name the last, as with Json.
RawValue argument(const RawSyscall& call, std::string_view key) {
  RawValue found;
  for (const RawValue value : call.args)
    if (value.key() == key) found = value;
  return found;
}

std::string_view text_of(const Json& value) {
  return value.to_string().value_or("");
}

std::string_view text_of(const RawValue& value) {
  return value.tag() == RawTag::kText ? value.text() : std::string_view();
}

bool works_on_descriptor(std::string_view name) {
  return name == "Read" || name == "Write" || name == "Close";
}

}  // namespace

std::string_view FdTable::track(Pid pid, const Syscall& call) {
  return track_call(pid, call);
}

std::string_view FdTable::track(Pid pid, const RawSyscall& call) {
  return track_call(pid, call);
}

template <typename Call>
std::string_view FdTable::track_call(Pid pid, const Call& call) {
  current_.reset();
  if (call.name == "Open") {
    opened(pid, text_of(argument(call, "path")),
           call.err.empty() ? descriptor_of(call.result) : std::nullopt);
  } else if (works_on_descriptor(call.name)) {
    used(pid, descriptor_of(argument(call, "fd")), call.name == "Close" && call.err.empty());
  }
  return current_ ? std::string_view(*current_) : std::string_view();
}

void FdTable::opened(Pid pid, std::string_view path, Descriptor descriptor) {
  current_ = std::make_shared<const std::string>(prefix_of_bytes(path, kMaxPath));
  if (!descriptor) return;
  const Key key{pid, *descriptor};
  if (paths_.size() >= kMaxOpen && !paths_.contains(key)) {
    ++not_kept_;
    return;
  }
  paths_[key] = current_;
}

void FdTable::used(Pid pid, Descriptor descriptor, bool closed) {
  if (!descriptor) return;
  const auto found = paths_.find(Key{pid, *descriptor});
  if (found == paths_.end()) return;
  current_ = found->second;
  if (closed) paths_.erase(found);
}

void FdTable::forget(Pid pid) {
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  const auto first = paths_.lower_bound(Key{pid, kLowest});
  auto last = first;
  while (last != paths_.end() && last->first.first == pid) ++last;
  paths_.erase(first, last);
}

}  // namespace agdb

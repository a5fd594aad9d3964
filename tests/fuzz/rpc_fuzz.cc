#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/wire/line_buffer.h"
#include "ipc/wire/rpc_message.h"

namespace {

using agdb::Json;
using agdb::LineBuffer;
using agdb::RpcMessage;
using Kind = RpcMessage::Kind;

struct Line {
  std::string text;
  bool too_long = false;

  bool operator==(const Line&) const = default;
};

std::vector<Line> cut(std::string_view bytes, std::size_t piece, std::size_t limit) {
  LineBuffer buffer(limit);
  std::vector<Line> lines;
  while (!bytes.empty()) {
    const std::span<char> space = buffer.space();
    const std::size_t count = std::min({piece, space.size(), bytes.size()});
    std::copy_n(bytes.begin(), count, space.begin());
    bytes.remove_prefix(count);
    buffer.filled(count);
    while (const auto line = buffer.next())
      lines.push_back({std::string(line->text), line->too_long});
  }
  if (const auto line = buffer.rest()) lines.push_back({std::string(line->text), line->too_long});
  return lines;
}

// The same, by somebody who has all bytes.
std::vector<Line> cut_whole(std::string_view bytes, std::size_t limit) {
  std::vector<Line> lines;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string_view text = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.size() > limit) {
      lines.push_back({std::string(text.substr(0, std::min(limit, LineBuffer::kShown))), true});
    } else if (!text.empty()) {
      lines.push_back({std::string(text), false});
    }
  }
  return lines;
}

std::string write(const RpcMessage& message) {
  const auto text = [](const Json& json) {
    return json.is_null() ? std::string() : agdb::dump(json, {.sorted = false});
  };
  if (message.kind == Kind::kRequest)
    return agdb::request_line(agdb::dump(message.id), message.method, text(message.params));
  if (message.kind == Kind::kNotification)
    return agdb::notification_line(message.method, text(message.params));
  if (message.error) return agdb::error_text(message.id, *message.error);
  return agdb::result_text(message.id, agdb::dump(message.result, {.sorted = false}));
}

void check(const RpcMessage& message) {
  AGDB_ASSERT((message.kind == Kind::kInvalid) <= message.error.has_value(), "says what is wrong");
  AGDB_ASSERT(message.params.is_null() || message.params.is_array() || message.params.is_object(),
              "params as the standard says");
  const std::string written = write(message);
  AGDB_ASSERT(written.find('\n') >= written.size() - 1, "one line: " + written);
  const agdb::RpcLine again = agdb::parse_rpc_line(written);
  AGDB_ASSERT(!again.batch && again.messages.size() == 1, "one message: " + written);
  // What was no message was answered by an error.
  const Kind expected = message.kind == Kind::kInvalid ? Kind::kResponse : message.kind;
  AGDB_ASSERT(again.messages[0].kind == expected, "what we write we read: " + written);
  AGDB_ASSERT(write(again.messages[0]) == written, "not stable: " + written);
}

}  // namespace

// Whatever the bytes, and in whatever pieces they come: the lines are the same, each is a message
// or says why not, and what a message says comes back when it is written. The first byte is the
// size of the pieces, the second the limit of a line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::size_t limit = 8 * std::size_t{data[1]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::vector<Line> lines = cut(bytes, piece, limit);
  AGDB_ASSERT(lines == cut_whole(bytes, limit), "pieces change the lines");
  for (const Line& line : lines) {
    const agdb::RpcLine read = agdb::parse_rpc_line(line.text);
    AGDB_ASSERT(!read.messages.empty(), "at least one message");
    AGDB_ASSERT(read.batch || read.messages.size() == 1, "only a batch has several");
    for (const RpcMessage& message : read.messages) check(message);
  }
  return 0;
}

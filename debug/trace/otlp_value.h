#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/events/json.h"

namespace agdb {

// Writes a list of OTLP/JSON attributes, [{"key":…,"value":{"stringValue":…}},…], behind what `out`
// holds. 64-bit integers become decimal text, as the format wants; one that does not fit a signed
// one is a stringValue. Bytes that are not UTF-8 become U+FFFD.
class OtlpAttributes {
 public:
  // `out` outlives this. Writes the bracket.
  explicit OtlpAttributes(std::string& out) : out_(&out) { out += '['; }

  void text(std::string_view key, std::string_view value);
  // Nothing when the text is empty.
  void text_if(std::string_view key, std::string_view value);
  void integer(std::string_view key, std::int64_t value);
  void real(std::string_view key, double value);
  // A list of one text.
  void list_of(std::string_view key, std::string_view value);
  void value(std::string_view key, const Json& value);
  // Each member of an object, the keys with `prefix` before them. Nothing for what is no object.
  void members(std::string_view prefix, const Json& object);
  // Writes the closing bracket. Nothing may follow.
  void end() { *out_ += ']'; }

 private:
  void begin(std::string_view key);

  std::string* out_;
  bool first_ = true;
};

}  // namespace agdb

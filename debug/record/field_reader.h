#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "runtime/events/duration.h"
#include "runtime/events/ids.h"
#include "runtime/events/json.h"

namespace agdb {

// Takes the known keys out of a JSON object; what is left at the end is unknown. A key that is
// missing or null leaves its variable as it is. Where no key has the exact name, one that differs
// in case only is taken; of several the last. The first value of a wrong type is kept as the error.
//
//   FieldReader fields(std::move(json.members()), "");
//   fields.read("seq_num", event.seq_num);
//   if (!fields.error().empty()) ...
class FieldReader {
 public:
  // `path` stands before the keys in errors: "context.".
  FieldReader(Json::Object&& members, std::string path);
  FieldReader(const FieldReader&) = delete;
  FieldReader& operator=(const FieldReader&) = delete;

  // The value, or nullptr when it is missing or null. Valid until take_unknown.
  Json* take(std::string_view key);

  void read(std::string_view key, std::string& out);
  void read(std::string_view key, std::uint64_t& out);
  void read(std::string_view key, std::int64_t& out);
  void read(std::string_view key, double& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, Nanoseconds& out);
  template <typename Id>
    requires std::is_enum_v<Id>
  void read(std::string_view key, Id& out) {
    std::uint64_t number = raw(out);
    read(key, number);
    out = static_cast<Id>(number);
  }
  // Empty when missing or null.
  Json::Array take_array(std::string_view key);

  // Notes an error, unless there is one already.
  void wrong_type(std::string_view key, std::string_view expected, const Json& got);
  void report(std::string_view key, std::string_view what);
  void report(std::string what);
  // "context.tokens: expected an integer, got a text"; empty when there was none.
  const std::string& error() const { return error_; }

  // What nobody asked for; null when that is nothing. The last call.
  Json take_unknown();

 private:
  Json::Member* find(std::string_view key);

  Json::Object members_;
  std::string path_;
  std::vector<Json::Member*> taken_;
  std::string error_;
};

// What stands there, for a message: numbers as they are, the rest by its type.
std::string describe(const Json& json);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/events/result.h"

namespace agdb {

// A JSON value. The project's one document type, so that the heavy JSON libraries (simdjson and
// nlohmann_json, behind parse_json) stay out of headers.
//
// Integers keep all 64 bits: kInt holds what fits int64, kUint only what is larger, kDouble the
// rest. Strings hold any bytes; a writer replaces what is not UTF-8. Objects keep the order of
// insertion; where that order does not matter, writers sort (DumpStyle). A value with no special
// thread rule.
class Json {
 public:
  enum class Type : std::uint8_t { kNull, kBool, kInt, kUint, kDouble, kString, kArray, kObject };
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  Json();
  Json(std::nullptr_t);            // NOLINT(*-explicit-*)
  Json(bool value);                // NOLINT(*-explicit-*)
  Json(int value);                 // NOLINT(*-explicit-*)
  Json(long value);                // NOLINT(*-explicit-*)
  Json(long long value);           // NOLINT(*-explicit-*)
  Json(unsigned value);            // NOLINT(*-explicit-*)
  Json(unsigned long value);       // NOLINT(*-explicit-*)
  Json(unsigned long long value);  // NOLINT(*-explicit-*)
  Json(double value);              // NOLINT(*-explicit-*)
  Json(std::string value);         // NOLINT(*-explicit-*)
  Json(std::string_view value);    // NOLINT(*-explicit-*)
  Json(const char* value);         // NOLINT(*-explicit-*)
  Json(Array value);               // NOLINT(*-explicit-*)
  Json(Object value);              // NOLINT(*-explicit-*)

  // Json::object({{"path", "/dev/null"}, {"flags", 2}})
  static Json object(std::initializer_list<Member> members);
  static Json object();
  static Json array();

  Type type() const { return static_cast<Type>(value_.index()); }
  bool is_null() const { return type() == Type::kNull; }
  bool is_bool() const { return type() == Type::kBool; }
  bool is_integer() const { return type() == Type::kInt || type() == Type::kUint; }
  bool is_number() const { return is_integer() || type() == Type::kDouble; }
  bool is_string() const { return type() == Type::kString; }
  bool is_array() const { return type() == Type::kArray; }
  bool is_object() const { return type() == Type::kObject; }

  // The value as the type asked for, or nothing when it is of another type or out of range. to_int
  // and to_uint also take a double that is integral. to_double takes any number.
  std::optional<bool> to_bool() const;
  std::optional<std::int64_t> to_int() const;
  std::optional<std::uint64_t> to_uint() const;
  std::optional<double> to_double() const;
  // Valid as long as this value lives unchanged.
  std::optional<std::string_view> to_string() const;

  // REQUIRES: the type fits. The views are valid as long as this value lives unchanged.
  const std::string& string() const { return std::get<std::string>(value_); }
  std::string& string() { return std::get<std::string>(value_); }
  const Array& items() const { return std::get<Array>(value_); }
  Array& items() { return std::get<Array>(value_); }
  const Object& members() const { return std::get<Object>(value_); }
  Object& members() { return std::get<Object>(value_); }

  // Elements of an array or members of an object; 0 for anything else.
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  // The member of that name (of several, the last), or nullptr when there is none or this is no
  // object. Linear in the number of members. Valid until the object changes.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  // As find, but null instead of nullptr: j["a"]["b"] is null when either is missing.
  const Json& operator[](std::string_view key) const;
  // The member's text, or `otherwise` when it is missing or no string.
  std::string_view text(std::string_view key, std::string_view otherwise = {}) const;
  // The member's number, or `otherwise` when it is missing or no integer.
  std::int64_t integer(std::string_view key, std::int64_t otherwise = 0) const;
  bool boolean(std::string_view key, bool otherwise = false) const;

  // Adds or replaces a member; null becomes an object first. REQUIRES: null or object.
  Json& set(std::string_view key, Json value);
  void erase(std::string_view key);
  // Appends; null becomes an array first. REQUIRES: null or array.
  Json& push_back(Json value);

  // Same type and content. Integers compare by value with each other but not with doubles; objects
  // compare without regard to order.
  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      value_;
};

struct Json::Member {
  std::string key;
  Json value;

  bool operator==(const Member&) const = default;
};

// Here and not in the class: before Member is complete, the compiler cannot know how to destroy a
// vector of it. (g++ lets it pass, clang does not.)
inline Json::Json() = default;
inline Json::Json(std::nullptr_t) {}
inline Json::Json(bool value) : value_(value) {}
inline Json::Json(int value) : value_(std::int64_t{value}) {}
inline Json::Json(long value) : value_(std::int64_t{value}) {}
inline Json::Json(long long value) : value_(std::int64_t{value}) {}
inline Json::Json(unsigned value) : value_(std::int64_t{value}) {}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}

// How values become text. Always: UTF-8, shortest numbers, only `"`, `\` and control characters
// escaped, NaN and infinities as null, bytes that are not UTF-8 as U+FFFD.
struct DumpStyle {
  // Sort the members of every object by key, and of several of one name write only the last: the
  // canonical form, the same bytes for equal values.
  bool sorted = true;
  // Blanks a level, and a line an element; 0 = everything on one line without blanks.
  int indent = 0;
  // For an object member whose text is not UTF-8, also write "<key>_base64" with the exact bytes.
  // parse_json with restore_base64 reads it back.
  bool keep_bytes = false;
};

std::string dump(const Json& value, const DumpStyle& style = {});
void dump_to(std::string& out, const Json& value, const DumpStyle& style = {});
// Appends `text` with quotes and escapes, bytes that are not UTF-8 as U+FFFD. Returns whether the
// text was valid UTF-8.
bool dump_string_to(std::string& out, std::string_view text);
// Appends `"key":` and the text, and a member "<key>_base64" after it when the text is not UTF-8.
void dump_text_member_to(std::string& out, std::string_view key, std::string_view text);

// What a parser met that it could read but not keep as it stood. Counts add up over calls.
struct ParseNotes {
  std::uint64_t invalid_utf8 = 0;     // bytes that are not UTF-8; kept in the strings as they are
  std::uint64_t lone_surrogates = 0;  // \ud800-\udfff without its other half; read as U+FFFD

  bool operator==(const ParseNotes&) const = default;
};

struct ParseOptions {
  // Deeper nesting is refused: recursion over values then needs no care.
  int max_depth = 512;
  // Texts whose "<key>_base64" sibling decodes to the same text take those bytes; the sibling goes.
  bool restore_base64 = false;
};

// Parses one JSON document with nothing but white space around it. Errors are kCorrupt and say line
// and column (both from 1, columns in bytes) and what was wrong there. Integers beyond 64 bits
// become doubles. Of members with one name all are kept, in order. Any thread.
Result<Json> parse_json(std::string_view text, ParseNotes* notes = nullptr,
                        const ParseOptions& options = {});

// Where the JSON document at the start of `text` ends: the offset behind its last byte, or nothing
// when no complete object or array stands there. For lines that hold several documents. Checks the
// nesting and the strings, not the full syntax.
std::optional<std::size_t> end_of_first_document(std::string_view text);

}  // namespace agdb

#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

#include "runtime/events/event.h"

namespace agdb {

// How a call's name, arguments and result stand in a ring: encoded in place by the thread that
// makes the call, without allocating, and read in place by whoever receives it.
//
// A value is a word with its tag, key and what fits, then 8-byte units:
//
//   word     tag << 56 | key length << 48 | key's address      a key that is a literal
//            (tag | 0x80) << 56 | key length                   a key that follows, padded
//   null, false, true      nothing more
//   int, uint, double      8 bytes
//   text                   its length (8 bytes), its bytes, padded
//   object, array          the number of values in it (8 bytes), the values
//
// Literals stay where they are as long as the program runs, so their address is enough.
enum class RawTag : std::uint8_t {
  kNull = 1,
  kFalse,
  kTrue,
  kInt,
  kUint,
  kDouble,
  kText,
  kObject,
  kArray
};

// The name of a call or of an argument. A literal costs its address only; other text is copied.
class Key {
 public:
  template <std::size_t kSize>
  consteval Key(const char (&literal)[kSize])  // NOLINT(google-explicit-constructor)
      : text_(literal, kSize - 1), literal_(kSize - 1 <= kLongestLiteral) {}
  // Borrowed for the call.
  explicit Key(std::string_view text) : text_(text), literal_(false) {}

  std::string_view text() const { return text_; }
  bool is_literal() const { return literal_; }

 private:
  static constexpr std::size_t kLongestLiteral = 255;
  std::string_view text_;
  bool literal_;
};

struct Field;

// The value of one named argument, borrowed for the call: text, numbers, a nested object, or a
// ready value.
using FieldValue = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double,
                                std::string_view, std::span<const Field>, const Json*>;

// An argument of which only the running program knows that there is one; where the call is written
// out, arg() is shorter and faster.
struct Field {
  Key key;
  FieldValue value;

  Field(Key k, std::nullptr_t) : key(k), value(nullptr) {}
  Field(Key k, bool v) : key(k), value(v) {}
  Field(Key k, int v) : key(k), value(std::int64_t{v}) {}
  Field(Key k, std::int64_t v) : key(k), value(v) {}
  Field(Key k, std::uint64_t v) : key(k), value(v) {}
  Field(Key k, double v) : key(k), value(v) {}
  Field(Key k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(Key k, std::string_view v) : key(k), value(v) {}
  Field(Key k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(Key k, std::span<const Field> v) : key(k), value(v) {}
  Field(Key k, const Json& v) : key(k), value(&v) {}
};

using Fields = std::span<const Field>;

// A named argument whose type is known where the call is written: arg("fd", 3). Made for the
// length of the call; borrows what it is given.
template <typename Value>
struct Arg {
  Key key;
  Value value;
};

// A nested object: object(arg("x", 1), arg("y", 2)).
template <typename... Values>
struct ArgObject {
  std::tuple<Arg<Values>...> members;
};

namespace raw_event {

inline std::size_t padded(std::size_t bytes) {
  return (bytes + 7) & ~std::size_t{7};
}

// Writes 8-byte units one behind the other into memory that is large enough.
class Writer {
 public:
  explicit Writer(std::byte* at) : at_(at) {}
  std::byte* at() const { return at_; }

  void word(std::uint64_t value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  // The bytes of the padding are not written.
  void bytes(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += padded(text.size());
  }
  void head(RawTag tag, const Key& key) {
    const auto tag_bits = static_cast<std::uint64_t>(tag) << 56;
    const std::string_view text = key.text();
    if (key.is_literal()) {
      word(tag_bits | text.size() << 48 | reinterpret_cast<std::uintptr_t>(text.data()));
    } else {
      word(tag_bits | std::uint64_t{0x80} << 56 | text.size());
      bytes(text);
    }
  }

 private:
  std::byte* at_;
};

inline std::size_t head_size(const Key& key) {
  return key.is_literal() ? 8 : 8 + padded(key.text().size());
}

// size(): what a value takes beside its head. write(): head and value.
inline std::size_t size(std::nullptr_t) {
  return 0;
}
inline void write(Writer& out, const Key& key, std::nullptr_t) {
  out.head(RawTag::kNull, key);
}

inline std::size_t size(bool) {
  return 0;
}
inline void write(Writer& out, const Key& key, bool value) {
  out.head(value ? RawTag::kTrue : RawTag::kFalse, key);
}

template <std::signed_integral Integer>
std::size_t size(Integer) {
  return 8;
}
template <std::signed_integral Integer>
void write(Writer& out, const Key& key, Integer value) {
  out.head(RawTag::kInt, key);
  out.word(static_cast<std::uint64_t>(std::int64_t{value}));
}

template <std::unsigned_integral Integer>
  requires(!std::same_as<Integer, bool>)
std::size_t size(Integer) {
  return 8;
}
template <std::unsigned_integral Integer>
  requires(!std::same_as<Integer, bool>)
void write(Writer& out, const Key& key, Integer value) {
  out.head(RawTag::kUint, key);
  out.word(value);
}

inline std::size_t size(double) {
  return 8;
}
void write(Writer& out, const Key& key, double value);

inline std::size_t size(std::string_view text) {
  return 8 + padded(text.size());
}
inline void write(Writer& out, const Key& key, std::string_view text) {
  out.head(RawTag::kText, key);
  out.word(text.size());
  out.bytes(text);
}

std::size_t size(const Json* json);
void write(Writer& out, const Key& key, const Json* json);
std::size_t size(Fields fields);
void write(Writer& out, const Key& key, Fields fields);
std::size_t size(const FieldValue& value);
void write(Writer& out, const Key& key, const FieldValue& value);

template <typename... Values>
std::size_t size(const ArgObject<Values...>& object) {
  return std::apply(
      [](const auto&... member) {
        return (8 + ... + (head_size(member.key) + size(member.value)));
      },
      object.members);
}
template <typename... Values>
void write(Writer& out, const Key& key, const ArgObject<Values...>& object) {
  out.head(RawTag::kObject, key);
  out.word(sizeof...(Values));
  std::apply([&](const auto&... member) { (write(out, member.key, member.value), ...); },
             object.members);
}

}  // namespace raw_event

namespace raw_event_detail {

// What a value of type T is kept as in an Arg: numbers by value, text as a view.
template <typename T>
auto kept(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view> && !std::is_same_v<T, Json>) {
    return std::string_view(value);
  } else if constexpr (std::is_same_v<T, Json>) {
    return static_cast<const Json*>(&value);
  } else {
    return value;
  }
}

}  // namespace raw_event_detail

// "fd", 3: any integer, bool, double, text, nullptr, Json, Fields or object(…).
template <typename T>
auto arg(Key key, const T& value) {
  using Kept = decltype(raw_event_detail::kept(value));
  return Arg<Kept>{key, raw_event_detail::kept(value)};
}

template <typename... Values>
ArgObject<Values...> object(const Arg<Values>&... members) {
  return {{members...}};
}

class RawFields;

// An encoded value, where it stands. Valid as long as the record that holds it.
class RawValue {
 public:
  // A null without a key.
  RawValue() : at_(reinterpret_cast<const std::byte*>(&kNothing)) {}
  // What stands at `at`, which a Writer has written.
  explicit RawValue(const std::byte* at) : at_(at) {}

  RawTag tag() const { return static_cast<RawTag>((word_at(at_) >> 56) & 0x7f); }
  std::string_view key() const {
    const std::uint64_t word = word_at(at_);
    if ((word & kCopiedKey) != 0)
      return {reinterpret_cast<const char*>(at_ + 8), static_cast<std::size_t>(word & kAddress)};
    return {reinterpret_cast<const char*>(word & kAddress),
            static_cast<std::size_t>((word >> 48) & 0xff)};
  }
  // REQUIRES: the tag fits.
  std::int64_t integer() const { return static_cast<std::int64_t>(word_at(body())); }
  std::uint64_t unsigned_integer() const { return word_at(body()); }
  double number() const { return std::bit_cast<double>(word_at(body())); }
  std::string_view text() const {
    const std::byte* at = body();
    return {reinterpret_cast<const char*>(at + 8), static_cast<std::size_t>(word_at(at))};
  }
  RawFields values() const;
  // Behind the value.
  const std::byte* end() const {
    const RawTag own = tag();
    const std::byte* at = body();
    if (own == RawTag::kText) return at + 8 + raw_event::padded(word_at(at));
    if (own >= RawTag::kObject) return end_of_values(at);
    return own >= RawTag::kInt ? at + 8 : at;
  }

  // The value as one that owns itself.
  Json to_json() const;

 private:
  static constexpr std::uint64_t kCopiedKey = std::uint64_t{0x80} << 56;
  static constexpr std::uint64_t kAddress = (std::uint64_t{1} << 48) - 1;
  // A null without a key, as a Writer would write it.
  static constexpr std::uint64_t kNothing = static_cast<std::uint64_t>(RawTag::kNull) << 56;

  static std::uint64_t word_at(const std::byte* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  const std::byte* body() const {
    const std::uint64_t word = word_at(at_);
    return at_ + 8 + ((word & kCopiedKey) != 0 ? raw_event::padded(word & kAddress) : 0);
  }
  static const std::byte* end_of_values(const std::byte* body);

  const std::byte* at_;
};

// Encoded values one behind the other.
class RawFields {
 public:
  class Iterator {
   public:
    Iterator(const std::byte* at, std::size_t left) : at_(at), left_(left) {}
    RawValue operator*() const { return RawValue(at_); }
    Iterator& operator++() {
      at_ = RawValue(at_).end();
      --left_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    const std::byte* at_;
    std::size_t left_;
  };

  RawFields() = default;
  RawFields(const std::byte* at, std::size_t count) : at_(at), count_(count) {}
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Iterator begin() const { return {at_, count_}; }
  Iterator end() const { return {nullptr, 0}; }

 private:
  const std::byte* at_ = nullptr;
  std::size_t count_ = 0;
};

inline RawFields RawValue::values() const {
  const std::byte* at = body();
  return {at + 8, static_cast<std::size_t>(word_at(at))};
}

// A system call as it stands in a ring: a Syscall without a copy. Valid as long as the record.
struct RawSyscall {
  std::string_view name;
  RawFields args;
  RawValue result;       // null = none
  std::string_view err;  // empty = it succeeded
  Nanoseconds duration{0};
};

Syscall to_syscall(const RawSyscall& call);

}  // namespace agdb

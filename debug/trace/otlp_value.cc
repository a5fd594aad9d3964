#include "debug/trace/otlp_value.h"

#include <cmath>

namespace agdb {
namespace {

// Deeper values are written as their JSON text.
constexpr int kMaxDepth = 32;

void write_value(std::string& out, const Json& value, int depth);

void write_text(std::string& out, std::string_view text) {
  out += R"({"stringValue":)";
  dump_string_to(out, text);
  out += '}';
}

void write_real(std::string& out, double value) {
  // As the JSON form of protobuf spells what JSON has no numbers for.
  const std::string_view word = std::isnan(value) ? R"("NaN")"
                                : value > 0       ? R"("Infinity")"
                                                  : R"("-Infinity")";
  out += R"({"doubleValue":)";
  out += std::isfinite(value) ? dump(Json(value)) : std::string(word);
  out += '}';
}

void write_list(std::string& out, const Json::Array& items, int depth) {
  out += R"({"arrayValue":{"values":[)";
  for (const Json& item : items) {
    if (&item != &items.front()) out += ',';
    write_value(out, item, depth + 1);
  }
  out += "]}}";
}

void write_object(std::string& out, const Json::Object& members, int depth) {
  out += R"({"kvlistValue":{"values":[)";
  for (const Json::Member& member : members) {
    if (&member != &members.front()) out += ',';
    out += R"({"key":)";
    dump_string_to(out, member.key);
    out += R"(,"value":)";
    write_value(out, member.value, depth + 1);
    out += '}';
  }
  out += "]}}";
}

void write_value(std::string& out, const Json& value, int depth) {
  switch (value.type()) {
    case Json::Type::kNull:
      out += "{}";
      return;
    case Json::Type::kBool:
      out += *value.to_bool() ? R"({"boolValue":true})" : R"({"boolValue":false})";
      return;
    case Json::Type::kInt:
      out += R"({"intValue":")" + std::to_string(*value.to_int()) + R"("})";
      return;
    case Json::Type::kUint:
      write_text(out, std::to_string(*value.to_uint()));
      return;
    case Json::Type::kDouble:
      write_real(out, *value.to_double());
      return;
    case Json::Type::kString:
      write_text(out, value.string());
      return;
    case Json::Type::kArray:
      if (depth >= kMaxDepth) return write_text(out, dump(value));
      return write_list(out, value.items(), depth);
    case Json::Type::kObject:
      if (depth >= kMaxDepth) return write_text(out, dump(value));
      return write_object(out, value.members(), depth);
  }
}

}  // namespace

void OtlpAttributes::begin(std::string_view key) {
  if (!first_) *out_ += ',';
  first_ = false;
  *out_ += R"({"key":)";
  dump_string_to(*out_, key);
  *out_ += R"(,"value":)";
}

void OtlpAttributes::text(std::string_view key, std::string_view value) {
  begin(key);
  write_text(*out_, value);
  *out_ += '}';
}

void OtlpAttributes::text_if(std::string_view key, std::string_view value) {
  if (!value.empty()) text(key, value);
}

void OtlpAttributes::integer(std::string_view key, std::int64_t value) {
  begin(key);
  *out_ += R"({"intValue":")" + std::to_string(value) + R"("}})";
}

void OtlpAttributes::real(std::string_view key, double value) {
  begin(key);
  write_real(*out_, value);
  *out_ += '}';
}

void OtlpAttributes::list_of(std::string_view key, std::string_view value) {
  begin(key);
  *out_ += R"({"arrayValue":{"values":[)";
  write_text(*out_, value);
  *out_ += "]}}}";
}

void OtlpAttributes::value(std::string_view key, const Json& value) {
  begin(key);
  write_value(*out_, value, 0);
  *out_ += '}';
}

void OtlpAttributes::members(std::string_view prefix, const Json& object) {
  if (!object.is_object()) return;
  for (const Json::Member& member : object.members())
    value(std::string(prefix) + member.key, member.value);
}

}  // namespace agdb

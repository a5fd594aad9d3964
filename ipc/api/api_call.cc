#include "ipc/api/api_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ipc/api/schema.h"

namespace agdb {
namespace {

// Deep enough for what routes take; recursion over it is safe.
constexpr int kMaxDepth = 64;

std::optional<std::int64_t> to_integer(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::unexpected<Error> wrong(const Parameter& parameter, std::string_view expected) {
  return fail(Code::kInvalid, fmt::format("{}: expected {}", parameter.name, expected));
}

std::string range_of(const Parameter& parameter) {
  if (parameter.most == std::numeric_limits<std::int64_t>::max())
    return fmt::format("an integer of at least {}", parameter.least);
  return fmt::format("an integer from {} to {}", parameter.least, parameter.most);
}

Status check_text(const Parameter& parameter, const std::string& text) {
  const auto size = static_cast<std::int64_t>(text.size());
  if (size < parameter.least)
    return wrong(parameter, parameter.least == 1
                                ? "a text that is not empty"
                                : fmt::format("at least {} bytes", parameter.least));
  if (size > parameter.most)
    return wrong(parameter, fmt::format("at most {} bytes", parameter.most));
  if (parameter.words.empty() || std::ranges::find(parameter.words, text) != parameter.words.end())
    return {};
  return wrong(parameter, fmt::format("one of {}", fmt::join(parameter.words, ", ")));
}

Status check_value(const Parameter& parameter, const std::string& text) {
  switch (parameter.type) {
    case Parameter::Type::kText:
      return check_text(parameter, text);
    case Parameter::Type::kBoolean:
      if (text == "true" || text == "false") return {};
      return wrong(parameter, "true or false");
    case Parameter::Type::kInteger: {
      const auto value = to_integer(text);
      if (value && *value >= parameter.least && *value <= parameter.most) return {};
      return wrong(parameter, range_of(parameter));
    }
  }
  return {};
}

}  // namespace

Result<ApiCall> ApiCall::check(const Route& route, const HttpRequest& request,
                               const Json& components) {
  ApiCall call(route, request);
  AGDB_CHECK_OK(call.take_path());
  AGDB_CHECK_OK(call.take_query());
  AGDB_CHECK_OK(call.take_body(components));
  return call;
}

Status ApiCall::take_path() {
  for (const auto& [name, value] : request_->names) {
    const auto declared = std::ranges::find(route_->parameters, name, &Parameter::name);
    AGDB_ASSERT(declared != route_->parameters.end(), name);
    AGDB_CHECK_OK(check_value(*declared, value));
    values_[name].push_back(value);
  }
  return {};
}

Status ApiCall::take_query() {
  for (const QueryPart& part : request_->target.query) {
    const auto declared = std::ranges::find_if(route_->parameters, [&](const Parameter& each) {
      return each.in == Parameter::In::kQuery && each.name == part.name;
    });
    if (declared == route_->parameters.end())
      return fail(Code::kInvalid,
                  fmt::format("there is no parameter \"{}\"", part.name.substr(0, 100)),
                  "/v1/openapi.json lists those of each path");
    AGDB_CHECK_OK(check_value(*declared, part.value));
    std::vector<std::string>& values = values_[part.name];
    if (!values.empty() && !declared->repeated)
      return fail(Code::kInvalid, fmt::format("{} is given several times", part.name));
    values.push_back(part.value);
  }
  for (const Parameter& parameter : route_->parameters)
    if (parameter.required && !values_.contains(parameter.name))
      return fail(Code::kInvalid, fmt::format("{} is missing", parameter.name));
  return {};
}

Status ApiCall::take_body(const Json& components) {
  if (!route_->body || route_->body->schema.is_null()) return {};
  if (request_->body.empty()) return fail(Code::kInvalid, "a body is missing");
  if (request_->header("content-encoding"))
    return fail(Code::kInvalid, "Content-Encoding: the body must come as it is");
  ParseNotes notes;
  Result<Json> parsed = parse_json(request_->body, &notes, {.max_depth = kMaxDepth});
  if (!parsed) return fail(Code::kInvalid, "the body is no JSON: " + parsed.error().message);
  if (notes != ParseNotes{}) return fail(Code::kInvalid, "the body is no UTF-8");
  body_ = *std::move(parsed);
  return check_schema(body_, route_->body->schema, components, "body");
}

const std::vector<std::string>* ApiCall::find(std::string_view name) const {
  AGDB_ASSERT(
      std::ranges::find(route_->parameters, name, &Parameter::name) != route_->parameters.end(),
      std::string(name));
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

bool ApiCall::has(std::string_view name) const {
  return find(name) != nullptr;
}

std::string ApiCall::text(std::string_view name, std::string_view otherwise) const {
  return optional_text(name).value_or(std::string(otherwise));
}

std::int64_t ApiCall::integer(std::string_view name, std::int64_t otherwise) const {
  return optional_integer(name).value_or(otherwise);
}

bool ApiCall::boolean(std::string_view name, bool otherwise) const {
  return optional_boolean(name).value_or(otherwise);
}

std::optional<std::string> ApiCall::optional_text(std::string_view name) const {
  const auto* const values = find(name);
  if (values == nullptr) return std::nullopt;
  return values->front();
}

std::optional<std::int64_t> ApiCall::optional_integer(std::string_view name) const {
  const auto* const values = find(name);
  if (values == nullptr) return std::nullopt;
  return to_integer(values->front());
}

std::optional<bool> ApiCall::optional_boolean(std::string_view name) const {
  const auto* const values = find(name);
  if (values == nullptr) return std::nullopt;
  return values->front() == "true";
}

std::vector<std::string> ApiCall::texts(std::string_view name) const {
  const auto* const values = find(name);
  return values == nullptr ? std::vector<std::string>{} : *values;
}

}  // namespace agdb

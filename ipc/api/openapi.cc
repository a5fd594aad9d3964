#include "ipc/api/openapi.h"

#include <fmt/format.h>

#include <utility>

#include "ipc/api/schema.h"
#include "ipc/http/http_message.h"
#include "runtime/events/text.h"

namespace agdb {
namespace {

constexpr std::int64_t kNoBound = std::numeric_limits<std::int64_t>::max();

Json typed_word(const Parameter& parameter, const std::string& word) {
  if (parameter.type == Parameter::Type::kText) return word;
  const Result<Json> value = parse_json(word);
  AGDB_ASSERT(value.has_value(), parameter.name + ": " + word);
  return *value;
}

Json schema_of(const Parameter& parameter) {
  Json json;
  switch (parameter.type) {
    case Parameter::Type::kText:
      json = parameter.words.empty() ? schema::text() : schema::one_of(parameter.words);
      if (parameter.least > 0) json.set("minLength", parameter.least);
      if (parameter.most != kNoBound) json.set("maxLength", parameter.most);
      break;
    case Parameter::Type::kBoolean:
      json = schema::boolean();
      break;
    case Parameter::Type::kInteger:
      json = schema::bounded(schema::integer(), "minimum", parameter.least);
      if (parameter.most != kNoBound) json.set("maximum", parameter.most);
      break;
  }
  if (!parameter.otherwise.empty()) json.set("default", typed_word(parameter, parameter.otherwise));
  return parameter.repeated ? schema::list(std::move(json)) : json;
}

Json parameter_json(const Parameter& parameter) {
  const bool path = parameter.in == Parameter::In::kPath;
  Json json = Json::object({{"name", parameter.name},
                            {"in", path ? "path" : "query"},
                            {"required", path || parameter.required},
                            {"description", parameter.description},
                            {"schema", schema_of(parameter)}});
  if (parameter.example.empty()) return json;
  Json example = typed_word(parameter, parameter.example);
  if (parameter.repeated) example = Json(Json::Array{std::move(example)});
  json.set("example", std::move(example));
  return json;
}

Json body_json(const RequestBody& body) {
  Json media = Json::object();
  if (!body.schema.is_null()) media.set("schema", body.schema);
  if (!body.example.is_null()) media.set("example", body.example);
  Json content = Json::object();
  for (const std::string& type : body.content_types) content.set(type, media);
  return Json::object({{"required", true}, {"content", std::move(content)}});
}

Json answer_json(const RouteAnswer& answer) {
  Json json = Json::object({{"description", answer.description}});
  if (answer.content_type.empty()) return json;
  Json media = Json::object({{"schema", answer.schema.is_null() ? schema::text() : answer.schema}});
  Json content = Json(Json::Object{{answer.content_type, std::move(media)}});
  for (const std::string& type : answer.other_types)
    content.set(type, Json::object({{"schema", schema::text()}}));
  json.set("content", std::move(content));
  return json;
}

Json operation_json(const Route& route) {
  Json json = Json::object({{"operationId", route.id},
                            {"tags", Json(Json::Array{route.tag})},
                            {"summary", route.summary}});
  Json parameters = Json::array();
  for (const Parameter& parameter : route.parameters)
    parameters.push_back(parameter_json(parameter));
  if (!parameters.empty()) json.set("parameters", std::move(parameters));
  if (route.body) json.set("requestBody", body_json(*route.body));
  Json responses = Json::object();
  for (const RouteAnswer& answer : route.answers)
    responses.set(fmt::format("{}", answer.status), answer_json(answer));
  responses.set("default", answer_json({.description = "what went wrong",
                                        .content_type = "application/problem+json",
                                        .schema = schema::ref("Problem")}));
  json.set("responses", std::move(responses));
  return json;
}

}  // namespace

Json openapi_document(const RouteTable& table, std::string_view version) {
  Json paths = Json::object();
  for (const Route& route : table.routes()) {
    if (paths.find(route.path) == nullptr) paths.set(route.path, Json::object());
    paths.find(route.path)->set(to_lower_ascii(route.method), operation_json(route));
  }
  const Json token = Json::object({{"type", "http"}, {"scheme", "bearer"}});
  return Json::object(
      {{"openapi", "3.1.0"},
       {"info", Json::object({{"title", "agdb"},
                              {"version", version},
                              {"summary", "Runs of agents: traces, recordings, live events"}})},
       {"paths", std::move(paths)},
       {"components", Json::object({{"schemas", table.schemas()},
                                    {"securitySchemes", Json::object({{"token", token}})}})},
       // A server without --http-token-file asks for none.
       {"security", Json(Json::Array{Json::object(), Json::object({{"token", Json::array()}})})}});
}

}  // namespace agdb

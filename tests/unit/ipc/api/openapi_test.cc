#include "ipc/api/openapi.h"

#include <algorithm>
#include <set>
#include <thread>

#include "ipc/api/api_call.h"
#include "ipc/api/routes.h"
#include "ipc/api/schema.h"
#include "runtime/events/text.h"
#include "tests/unit/ipc/api/api_fixture.h"

namespace agdb {
namespace {

// All routes over a daemon that runs, and a store with a few traces.
class OpenApi : public ApiCase {
 protected:
  void SetUp() override {
    ApiCase::SetUp();
    for (int i = 0; i < 3; ++i) {
      RunTrace trace;
      trace.flow_name = "a flow";
      trace.events = {{.event_type = "error", .detail = "no such file"}};
      ASSERT_TRUE(store_->record(trace));
    }
    add_all_routes(table_, *context_);
    route();
    document_ = openapi_document(table_, "1.2.3");
    runner_ = std::thread([this] { daemon_->run(); });
    spawn_two();
  }

  // Process 1, which lives on, and process 2, of which there is a recording.
  void spawn_two() {
    for (const bool lives : {true, false}) {
      const Json script = *parse_json(
          lives ? R"({"agdb_script":1,"agents":{"main":{"turns":[{"text":"a","latency":"1h"}]}}})"
                : R"({"agdb_script":1,"agents":{"main":{"turns":[{"text":"a"}]}}})");
      const Result<Json> process =
          context_->call("process.spawn", Json::object({{"script", script}, {"record", !lives}}));
      ASSERT_TRUE(process) << process.error().message;
    }
    const Result<Json> ended = context_->call("process.wait", Json::object({{"pid", 2}}));
    ASSERT_TRUE(ended);
    // Whatever it answers: what has happened before it is written by then.
    (void)context_->call("record.stop", Json::object({{"pid", 2}}));
    // By the name that the examples have.
    const std::string records = folder_.path + "/records/";
    std::filesystem::copy(records + std::string(ended->text("record_id")),
                          records + "1-1763712345");
  }

  void TearDown() override {
    daemon_->stop();
    runner_.join();
  }

  // What a client would see of a body, however it comes.
  static std::string text_of(HttpResponse& response) {
    std::string text = response.body;
    while (response.source) {
      const Result<bool> more = response.source(text);
      EXPECT_TRUE(more);
      if (!more || !*more) break;
    }
    return text;
  }

  Json document_;
  std::thread runner_;
};

std::string example_of(const Json& parameter) {
  const Json& example = parameter["example"];
  const Json& value = example.is_array() ? example.items().front() : example;
  return value.is_string() ? value.string() : dump(value);
}

// "/v1/traces/1?limit=10": with the example of each parameter that has one.
std::string target_of(std::string path, const Json& operation) {
  std::string query;
  for (const Json& parameter :
       operation["parameters"].is_array() ? operation["parameters"].items() : Json::Array{}) {
    const std::string name(parameter.text("name"));
    if (parameter.find("example") == nullptr) {
      EXPECT_FALSE(parameter.boolean("required")) << path << " " << name << " has no example";
      continue;
    }
    if (parameter.text("in") == "path") {
      path.replace(path.find("{" + name + "}"), name.size() + 2, example_of(parameter));
    } else {
      query += (query.empty() ? "?" : "&") + name + "=" + example_of(parameter);
    }
  }
  return path + query;
}

void expect_as_declared(HttpResponse& response, std::string text, const Json& operation,
                        const Json& document) {
  const Json* const answer = operation["responses"].find(std::to_string(response.status));
  ASSERT_NE(answer, nullptr) << "status " << response.status << ": " << text;
  const Json* const content = answer->find("content");
  if (content == nullptr) {
    EXPECT_EQ(text, "");
    return;
  }
  ASSERT_EQ(response.headers.at(0).name, "Content-Type");
  const Json* const media = content->find(response.headers.at(0).value);
  ASSERT_NE(media, nullptr) << response.headers.at(0).value;
  if ((*media)["schema"].text("type") == "string") return;
  const Result<Json> json = parse_json(text);
  ASSERT_TRUE(json) << text;
  const Status fits =
      check_schema(*json, (*media)["schema"], document["components"]["schemas"], "answer");
  EXPECT_TRUE(fits) << fits.error().message << "\n" << text;
}

TEST_F(OpenApi, EveryOperationAnswersAsItDeclares) {
  // What deletes comes last, so that the others find something.
  for (const bool deleting : {false, true}) {
    for (const Json::Member& path : document_["paths"].members()) {
      for (const Json::Member& operation : path.value.members()) {
        const bool deletes = operation.value.text("operationId").starts_with("delete");
        if (deletes != deleting) continue;
        std::string method = operation.key;
        for (char& c : method) c = static_cast<char>(std::toupper(c));
        SCOPED_TRACE(method + " " + path.key);
        const Json& content = operation.value["requestBody"]["content"]["application/json"];
        std::string target = target_of(path.key, operation.value);
        // The traces 1 and 2 go together, the single one is another.
        if (path.key == "/v1/traces/{id}" && deletes) target = "/v1/traces/3";
        HttpResponse response =
            ask(method, target, content.is_null() ? "" : dump(content["example"]));
        EXPECT_LT(response.status, 300) << response.body;
        expect_as_declared(response, text_of(response), operation.value, document_);
      }
    }
  }
}

TEST_F(OpenApi, OperationsHaveNamesOfTheirOwn) {
  std::set<std::string> ids;
  for (const Route& route : table_.routes()) {
    EXPECT_TRUE(ids.insert(route.id).second) << route.id;
    EXPECT_FALSE(route.summary.empty()) << route.path;
  }
}

TEST_F(OpenApi, NamesOfAPathAreDeclared) {
  for (const Route& route : table_.routes()) {
    for (std::size_t at = 0; (at = route.path.find('{', at)) != std::string::npos; ++at) {
      const std::string name = route.path.substr(at + 1, route.path.find('}', at) - at - 1);
      EXPECT_TRUE(std::ranges::any_of(route.parameters, [&](const Parameter& parameter) {
        return parameter.name == name && parameter.in == Parameter::In::kPath;
      })) << route.path;
    }
  }
}

TEST_F(OpenApi, ExamplesOfBodiesAreAsTheirSchemaSays) {
  for (const Route& route : table_.routes()) {
    if (!route.body || route.body->schema.is_null()) continue;
    const Status fits =
        check_schema(route.body->example, route.body->schema, table_.schemas(), "body");
    EXPECT_TRUE(fits) << route.path << ": " << (fits ? "" : fits.error().message);
  }
}

}  // namespace
}  // namespace agdb

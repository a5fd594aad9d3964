#include "ipc/api/route_table.h"

#include "ipc/api/api_call.h"
#include "ipc/api/masked_answer.h"
#include "tests/unit/ipc/api/api_fixture.h"

namespace agdb {
namespace {

using testing::HasSubstr;
using testing::Not;

// Put together here, so that no file holds what looks like a key.
std::string key() {
  return std::string("sk-ant-") + "api03-" + "a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4a1B2c3D4";
}

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const HttpField& field : response.headers)
    if (field.name == name) return field.value;
  return "absent";
}

class RouteTableTest : public ApiCase {
 protected:
  using Handler = std::function<Result<HttpResponse>(const ApiCall& call)>;

  HttpResponse answer(Handler handler, const std::string& query = "") {
    table_.add({.method = "GET",
                .path = "/path",
                .id = "getIt",
                .answers = {{}},
                .has_texts = true,
                .handler = std::move(handler)});
    route();
    return ask("GET", "/path" + query);
  }
  static Handler telling(std::string text) {
    return [text = std::move(text)](const ApiCall&) {
      return json_response(Json::object({{"said", text}}));
    };
  }
  std::string place() const { return context_->records_dir + "/1-1/events.jsonl"; }
};

TEST_F(RouteTableTest, WhereNoSecretIsTheHeaderSaysSo) {
  const HttpResponse response = answer(telling("nothing"));
  EXPECT_EQ(header_of(response, kMaskedHeader), "0");
  EXPECT_EQ(*context_->masked, 0U);
}

TEST_F(RouteTableTest, SecretsAreMaskedAndCounted) {
  const HttpResponse response = answer(telling("the key is " + key()));
  EXPECT_THAT(response.body, Not(HasSubstr(key())));
  EXPECT_EQ(header_of(response, kMaskedHeader), "anthropic_key=1");
  EXPECT_EQ(*context_->masked, 1U);
}

TEST_F(RouteTableTest, RawLeavesThem) {
  const HttpResponse response = answer(telling(key()), "?raw=true");
  EXPECT_THAT(response.body, HasSubstr(key()));
  EXPECT_EQ(header_of(response, kMaskedHeader), "absent");
  EXPECT_EQ(*context_->masked, 0U);
}

TEST_F(RouteTableTest, WhatAHandlerMaskedIsToldOnce) {
  const HttpResponse response = answer([this](const ApiCall&) {
    MaskCounts counts;
    counts.add(SecretKind::kJwt);
    HttpResponse made = json_response(Json::object({{"said", key()}}));
    tell_masked(made, counts, *context_);
    return made;
  });
  EXPECT_EQ(header_of(response, kMaskedHeader), "jwt=1");
  EXPECT_THAT(response.body, HasSubstr(key()));
  EXPECT_EQ(*context_->masked, 1U);
}

TEST_F(RouteTableTest, FailuresDoNotTellWhereTheRecordsAre) {
  const HttpResponse response = answer([this](const ApiCall&) -> Result<HttpResponse> {
    return fail(Code::kCorrupt, place() + " is damaged", "look at " + place());
  });
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("records/1-1/events.jsonl is damaged"));
  EXPECT_THAT(response.body, Not(HasSubstr(folder_.path)));
}

TEST_F(RouteTableTest, NorDoesAStreamThatFailsAtItsFirstPieceOrLater) {
  HttpResponse response = answer([this](const ApiCall&) {
    return HttpResponse{.source = [this, n = 0](std::string& out) mutable -> Result<bool> {
      out += "piece";
      if (n++ == 1) return true;
      return fail(Code::kIo, "cannot read " + place(), "free " + place());
    }};
  });
  std::string out;
  for (const bool fails : {true, false, true}) {
    const Result<bool> more = response.source(out);
    ASSERT_EQ(!more, fails);
    if (!fails) continue;
    // As a failure at once: from the folder that the records' folder is in.
    const std::string shown = place().substr(std::string_view("/tmp/").size());
    EXPECT_EQ(more.error().message, "cannot read " + shown);
    EXPECT_EQ(more.error().hint, "free " + shown);
    EXPECT_EQ(more.error().code, Code::kIo);
  }
  EXPECT_EQ(out, "piecepiecepiece");
}

}  // namespace
}  // namespace agdb

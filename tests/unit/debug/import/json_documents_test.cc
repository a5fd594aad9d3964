#include "debug/import/json_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JsonDocumentsTest : public ::testing::Test {
 protected:
  // The documents of the text, each as "<line>: <JSON>".
  std::vector<std::string> documents_of(std::string_view text) {
    std::vector<std::string> found;
    read_ = read_json_documents(text, &notes_, [&](Json&& document, std::uint64_t line) {
      found.push_back(std::to_string(line) + ": " + dump(document));
      return true;
    });
    return found;
  }

  JsonDocuments read_;
  ParseNotes notes_;
};

TEST_F(JsonDocumentsTest, NothingInAnEmptyText) {
  EXPECT_THAT(documents_of(""), IsEmpty());
  EXPECT_THAT(documents_of(" \n\r\n\t"), IsEmpty());
  EXPECT_EQ(read_.bad_lines, 0);
}

TEST_F(JsonDocumentsTest, OneOverManyLines) {
  EXPECT_THAT(documents_of("\n[\n 1,\n {\"a\": 2}\n]\n"), ElementsAre("2: [1,{\"a\":2}]"));
}

TEST_F(JsonDocumentsTest, ALineEach) {
  EXPECT_THAT(documents_of("{}\n\n[]\r\n{\"a\":1}"), ElementsAre("1: {}", "3: []", "4: {\"a\":1}"));
  EXPECT_EQ(read_.documents, 3);
}

TEST_F(JsonDocumentsTest, SeveralOnALine) {
  EXPECT_THAT(documents_of("{}[] {\"a\":1}\n{}"),
              ElementsAre("1: {}", "1: []", "1: {\"a\":1}", "2: {}"));
}

TEST_F(JsonDocumentsTest, ManyThatSpanLines) {
  EXPECT_THAT(documents_of("{\n\"a\":1\n}\n{\n\"b\":2\n} {}"),
              ElementsAre("1: {\"a\":1}", "4: {\"b\":2}", "6: {}"));
}

TEST_F(JsonDocumentsTest, AByteOrderMarkIsSkipped) {
  EXPECT_THAT(documents_of("\xef\xbb\xbf{}"), ElementsAre("1: {}"));
}

TEST_F(JsonDocumentsTest, ADamagedLineIsCountedAndTheNextOnesRead) {
  EXPECT_THAT(documents_of("{}\n{\"a\":\n{} trailing\n{}\nnot json\n"),
              ElementsAre("1: {}", "3: {}", "4: {}"));
  EXPECT_EQ(read_.bad_lines, 3);
  EXPECT_EQ(read_.first_bad_line, 2);
  EXPECT_FALSE(read_.first_error.message.empty());
}

TEST_F(JsonDocumentsTest, ADocumentCutInTheMiddleIsAnError) {
  EXPECT_THAT(documents_of("[{\"a\": 1}, {\"b\":"), IsEmpty());
  EXPECT_EQ(read_.bad_lines, 1);
  EXPECT_EQ(read_.first_error.code, Code::kCorrupt);
}

TEST_F(JsonDocumentsTest, AScalarIsNoDocument) {
  EXPECT_THAT(documents_of("17\n\"x\"\n{}"), ElementsAre("3: {}"));
  EXPECT_EQ(read_.bad_lines, 2);
}

TEST_F(JsonDocumentsTest, TheSinkEndsTheReading) {
  int seen = 0;
  read_json_documents("{}\n{}\n{}", nullptr, [&](Json&&, std::uint64_t) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

TEST_F(JsonDocumentsTest, WhatTheParserCouldNotKeepIsCounted) {
  documents_of("{\"a\":\"\\ud800\"}\n{\"b\":\"\xff\"}");
  EXPECT_EQ(notes_.lone_surrogates, 1);
  EXPECT_EQ(notes_.invalid_utf8, 1);
}

TEST_F(JsonDocumentsTest, HostileOpeningBracketsCostLinearTime) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "[\n";
  EXPECT_THAT(documents_of(text), IsEmpty());
  EXPECT_EQ(read_.bad_lines, 200'000);
}

TEST_F(JsonDocumentsTest, HostileNestingIsRefused) {
  EXPECT_THAT(documents_of(std::string(10'000, '[') + std::string(10'000, ']')), IsEmpty());
  EXPECT_EQ(read_.bad_lines, 1);
}

}  // namespace
}  // namespace agdb

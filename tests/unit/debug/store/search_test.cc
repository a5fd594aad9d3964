#include "store_fixture.h"

namespace agdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Texts that mean something to SQL, to the full-text index, to C or to a terminal.
const std::vector<std::string> kHostile = {
    "'; DROP TABLE runs; --",
    "\" OR 1=1 --",
    "AND OR NOT NEAR(a b, 2)",
    "a* ^b \"c\" col:text -x +y {z}",
    "100% of_all \\_ [a-z]?",
    "\"\"\"",
    "''''",
    std::string("nul\0inside", 10),
    std::string("\0\0\0", 3),
    "bad \xff\xfe utf8 \xc3",
    "\xed\xa0\x80 surrogate",
    "line\nend\r\ttab \x1b[31mred",
    "Ünïcödé ПРИВЕТ Ωμέγα 漢字 🦊",
    "   ",
    std::string(999, 'q'),
};

class Search : public StoreTest {
 protected:
  Search() : store(open()) {}
  std::vector<std::uint64_t> found(std::string_view text) { return ids_of(store.search(text, {})); }

  TraceStore store;
};

TEST_F(Search, HostileTextsAreKeptAndFoundAsTheyAre) {
  for (const std::string& text : kHostile) {
    RunTrace run = a_run(text);
    run.client_key = text;
    run.events = {{text, 1, text, text}};
    const Result<StoredId> id = store.record(run);
    ASSERT_TRUE(id) << id.error().message;
    ASSERT_TRUE(store.annotate(*id, {.author = text, .text = text, .tags = {text}}));
    ASSERT_TRUE(store.set_correlation(*id, text));
  }
  for (std::size_t i = 0; i < kHostile.size(); ++i) {
    const std::string& text = kHostile[i];
    const auto id = static_cast<std::uint64_t>(i + 1);
    const Result<RunTrace> kept = store.get(StoredId{id});
    ASSERT_TRUE(kept);
    EXPECT_THAT(found(text), testing::Contains(id)) << text;
    EXPECT_THAT(ids_of(store.recent({}, {.flow_name = kept->flow_name})), testing::Contains(id));
    EXPECT_THAT(ids_of(store.recent({}, {.client_key = kept->client_key})), testing::Contains(id));
    EXPECT_THAT(ids_of(store.recent({}, {.tag = kept->annotations.front().tags.front()})),
                testing::Contains(id));
    EXPECT_THAT(ids_of(store.by_correlation(text)), testing::Contains(id));
  }
  EXPECT_EQ(wrong_sums_of(store), "");
  std::vector<StoredId> all;
  for (std::size_t i = 0; i < kHostile.size(); ++i) all.push_back(StoredId{i + 1});
  EXPECT_EQ(store.bulk_delete(all), all.size());
  for (const std::string& text : kHostile) EXPECT_THAT(found(text), IsEmpty()) << text;
}

TEST_F(Search, BytesThatAreValidComeBackExactly) {
  const std::string nul("a\0b", 3);
  ASSERT_TRUE(store.record(a_run(nul)));
  EXPECT_EQ(store.get(StoredId{1})->flow_name, nul);
  ASSERT_TRUE(store.record(a_run("bad \xff")));
  EXPECT_EQ(store.get(StoredId{2})->flow_name, "bad \xef\xbf\xbd");
}

TEST_F(Search, OperatorsMeanNothing) {
  ASSERT_TRUE(store.record(a_run("apples and pears")));
  EXPECT_THAT(found("apples pears"), IsEmpty());
  EXPECT_THAT(found("apples OR pears"), IsEmpty());
  EXPECT_THAT(found("app*"), IsEmpty());
  EXPECT_THAT(found("%"), IsEmpty());
  EXPECT_THAT(found("_p"), IsEmpty());
  EXPECT_THAT(found("text:apples"), IsEmpty());
  EXPECT_THAT(found("PPLES AND PEA"), ElementsAre(1));
}

TEST_F(Search, FoldsCaseInWhateverLength) {
  ASSERT_TRUE(store.record(a_run("Größe ПРИВЕТ ΩΜΕΓΑ Žluť")));
  for (const char* text : {"GRÖSSE", "xyz"}) EXPECT_THAT(found(text), IsEmpty());
  for (const char* text : {"größe", "GRÖ", "ö", "Ö", "рИ", "привет", "μΕ", "ωμεγα", "ž", "žl"})
    EXPECT_THAT(found(text), ElementsAre(1)) << text;
}

TEST_F(Search, AMatchDoesNotGoFromOneTextIntoTheNext) {
  RunTrace run = a_run("abc");
  run.source_file = "def";
  run.events = {{"step", 0, "ghi", "jkl"}};
  ASSERT_TRUE(store.record(run));
  for (const char* text : {"abcdef", "abc def", "abc\ndef", "c\n", "ijkl"})
    EXPECT_THAT(found(text), IsEmpty()) << text;
  for (const char* text : {"abc", "def", "ghi", "jkl", "kl", "d"})
    EXPECT_THAT(found(text), ElementsAre(1)) << text;
}

TEST_F(Search, ControlCharactersAreBlanks) {
  ASSERT_TRUE(store.record(a_run("one\ntwo\tthree")));
  for (const char* text : {"one two", "one\ttwo\nthree", "e\n"})
    EXPECT_THAT(found(text), ElementsAre(1)) << text;
}

TEST_F(Search, GoesTogetherWithAFilterAndPages) {
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(store.record(a_run("flow", i % 2 == 0 ? RunStatus::kFailed : RunStatus::kSuccess)));
  const RunFilter failed{.status = RunStatus::kFailed};
  for (const char* text : {"flow", "fl"}) {
    EXPECT_THAT(ids_of(store.search(text, {.limit = 2}, failed)), ElementsAre(9, 7));
    EXPECT_THAT(ids_of(store.search(text, {.limit = 2, .before = StoredId{7}}, failed)),
                ElementsAre(5, 3));
  }
}

// Longer texts are looked for by a few of their trigrams: who has those, but not the text, is no
// match, and does not end the search.
TEST_F(Search, TheTrigramsOfATextDoNotMakeIt) {
  std::vector<RunTrace> runs;
  for (int i = 0; i < 1500; ++i) runs.push_back(a_run("123 234 345 456 12345x3456"));
  runs[3].flow_name = "the number 123456";
  runs[700].events = {{"error", 0, "", "NUMBER 123456!"}};
  ASSERT_TRUE(store.record_all(runs));
  EXPECT_THAT(found("number 123456"), ElementsAre(701, 4));
  EXPECT_THAT(ids_of(store.search("number 123456", {.limit = 1})), ElementsAre(701));
  EXPECT_THAT(ids_of(store.search("number 123456", {.limit = 1, .before = StoredId{701}})),
              ElementsAre(4));
  EXPECT_THAT(found("123 234 345 456 12345x34567"), IsEmpty());
}

TEST_F(Search, AnEmptyTextIsInAllAndATooLongOneIsRefused) {
  ASSERT_TRUE(store.record(a_run("a")));
  EXPECT_THAT(found(""), ElementsAre(1));
  const auto refused = store.search(std::string(1001, 'a'), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalid);
}

TEST_F(Search, LongTextsAreCutByWholeCharacters) {
  RunTrace run = a_run("x");
  for (int i = 0; i < 700; ++i) run.flow_name += "ä";
  run.events = {{"step", 0, "", std::string(5000, 'd')}};
  ASSERT_TRUE(store.record(run));
  const Result<RunTrace> kept = store.get(StoredId{1});
  EXPECT_EQ(kept->flow_name.size(), 999u);
  EXPECT_EQ(kept->events.front().detail.size(), 4000u);
}

// As many transactions as make parts of the index.
class Tidying : public Search {
 protected:
  void fill(int from, int to) {
    for (int i = from; i < to;) {
      std::vector<RunTrace> runs;
      for (int j = 0; j < 100; ++j, ++i) runs.push_back(a_run("flow number " + std::to_string(i)));
      ASSERT_TRUE(store.record_all(runs));
    }
  }
  // Until there is no more to do. How many steps it took.
  int tidy() {
    int steps = 0;
    for (; value_of(store.tidy()); ++steps) EXPECT_LT(steps, 10'000);
    return steps;
  }
  static bool value_of(const Result<bool>& result) {
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(false);
  }
};

TEST_F(Tidying, FewTracesAreNotWorthIt) {
  EXPECT_EQ(tidy(), 0);
  fill(0, 900);
  EXPECT_EQ(tidy(), 0);
}

TEST_F(Tidying, EverythingIsFoundBeforeWhileAndAfter) {
  fill(0, 2000);
  const auto one = [this] { return found("number 1234"); };
  EXPECT_THAT(one(), ElementsAre(1235));
  EXPECT_TRUE(value_of(store.tidy()));
  EXPECT_THAT(one(), ElementsAre(1235));
  fill(2000, 2100);
  tidy();
  EXPECT_THAT(one(), ElementsAre(1235));
  EXPECT_THAT(found("number 2099"), ElementsAre(2100));
  EXPECT_EQ(store.bulk_delete(std::vector<StoredId>{StoredId{1235}}), 1u);
  EXPECT_THAT(one(), IsEmpty());
}

TEST_F(Tidying, ItIsDoneAgainWhenAQuarterIsNew) {
  fill(0, 4000);
  EXPECT_GE(tidy(), 1);
  EXPECT_EQ(tidy(), 0);
  fill(4000, 5000);
  EXPECT_EQ(tidy(), 0);
  fill(5000, 5600);
  EXPECT_GE(tidy(), 1);
}

TEST_F(Tidying, WhatWasBegunGoesOnWhenOpenedAgain) {
  fill(0, 2000);
  EXPECT_TRUE(value_of(store.tidy()));
  store = open();
  tidy();
  EXPECT_EQ(tidy(), 0);
  EXPECT_THAT(found("number 77"), testing::SizeIs(11));
}

}  // namespace
}  // namespace agdb

#include "ipc/api/answer_cache.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

HttpResponse answer_of(std::string body) {
  return {.body = std::move(body)};
}

TEST(AnswerCache, AnEmptyOneKnowsNothing) {
  AnswerCache cache;
  EXPECT_FALSE(cache.find("/a", 1));
}

TEST(AnswerCache, KeepsAnAnswerAsLongAsTheStoreIsTheSame) {
  AnswerCache cache;
  cache.keep("/a", 1, answer_of("one"));
  EXPECT_EQ(cache.find("/a", 1)->body, "one");
  EXPECT_FALSE(cache.find("/b", 1));
  EXPECT_FALSE(cache.find("/a", 2));
  cache.keep("/b", 2, answer_of("two"));
  EXPECT_FALSE(cache.find("/a", 2));
  EXPECT_EQ(cache.find("/b", 2)->body, "two");
}

TEST(AnswerCache, LongOnesAndStreamsAreNotKept) {
  AnswerCache cache;
  cache.keep("/long", 1, answer_of(std::string(AnswerCache::kMaxAnswer, 'x')));
  EXPECT_FALSE(cache.find("/long", 1));
  HttpResponse stream;
  stream.source = [](std::string&) -> Result<bool> { return false; };
  cache.keep("/stream", 1, stream);
  EXPECT_FALSE(cache.find("/stream", 1));
}

TEST(AnswerCache, IsBounded) {
  AnswerCache cache;
  const HttpResponse large = answer_of(std::string(AnswerCache::kMaxAnswer - 100, 'x'));
  const std::size_t fit = AnswerCache::kMaxBytes / AnswerCache::kMaxAnswer;
  for (std::size_t i = 0; i < fit; ++i) cache.keep("/" + std::to_string(i), 1, large);
  EXPECT_TRUE(cache.find("/0", 1));
  for (std::size_t i = 0; i < 5; ++i) cache.keep("/more" + std::to_string(i), 1, large);
  EXPECT_FALSE(cache.find("/0", 1));
}

}  // namespace
}  // namespace agdb

#include "ipc/http/router.h"

#include <gtest/gtest.h>

namespace agdb {
namespace {

Router router_of(std::initializer_list<std::pair<const char*, const char*>> routes) {
  Router router;
  for (const auto& [method, pattern] : routes) router.add({.method = method, .pattern = pattern});
  return router;
}

std::string pattern_for(const Router& router, std::string_view method,
                        const std::vector<std::string>& path) {
  const Router::Match match = router.find(method, path);
  return match.route == nullptr ? "none; " + match.allow : match.route->pattern;
}

TEST(Router, AnEmptyOneHasNoPaths) {
  EXPECT_EQ(pattern_for(Router(), "GET", {}), "none; ");
}

TEST(Router, TheRoot) {
  const Router router = router_of({{"GET", "/"}});
  EXPECT_EQ(pattern_for(router, "GET", {}), "/");
  EXPECT_EQ(pattern_for(router, "GET", {""}), "none; ");
}

TEST(Router, NamesStandForSegments) {
  const Router router = router_of({{"GET", "/a/{x}/b/{y}"}});
  const Router::Match match = router.find("GET", {"a", "1", "b", "two/3"});
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.names, (std::map<std::string, std::string>{{"x", "1"}, {"y", "two/3"}}));
  EXPECT_EQ(pattern_for(router, "GET", {"a", "", "b", "2"}), "none; ");
  EXPECT_EQ(pattern_for(router, "GET", {"a", "1", "b"}), "none; ");
}

TEST(Router, ASegmentWinsOverAName) {
  const Router router = router_of({{"GET", "/t/{id}"}, {"GET", "/t/stats"}});
  EXPECT_EQ(pattern_for(router, "GET", {"t", "stats"}), "/t/stats");
  EXPECT_EQ(pattern_for(router, "GET", {"t", "7"}), "/t/{id}");
}

TEST(Router, WhereTheSegmentLeadsNowhereTheNameIsTried) {
  const Router router = router_of({{"GET", "/t/{id}/notes"}, {"GET", "/t/stats"}});
  const Router::Match match = router.find("GET", {"t", "stats", "notes"});
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.names.at("id"), "stats");
}

TEST(Router, NamesAreThoseOfTheRouteThatIsFound) {
  const Router router = router_of({{"GET", "/t/{id}"}, {"GET", "/t/{trace}/spans"}});
  EXPECT_EQ(router.find("GET", {"t", "1"}).names.begin()->first, "id");
  EXPECT_EQ(router.find("GET", {"t", "1", "spans"}).names.begin()->first, "trace");
}

TEST(Router, WrongMethodSaysWhichThereAre) {
  const Router router = router_of({{"GET", "/t"}, {"POST", "/t"}});
  EXPECT_EQ(pattern_for(router, "DELETE", {"t"}), "none; GET, HEAD, POST, OPTIONS");
}

TEST(Router, HeadIsThatOfGet) {
  const Router router = router_of({{"GET", "/t"}, {"POST", "/u"}});
  EXPECT_EQ(pattern_for(router, "HEAD", {"t"}), "/t");
  EXPECT_EQ(pattern_for(router, "HEAD", {"u"}), "none; POST, OPTIONS");
}

}  // namespace
}  // namespace agdb

#include "ipc/ingest/trace_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "debug/trace/span_file.h"

namespace agdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kTrace = "000000000000000000000000000000ab";
const std::string kOtherTrace = "00000000000000000000000000000999";
constexpr std::int64_t kStart = 1'795'302'083'000'000'000;

// A span that began at kStart and took a second; `more`: further members, with a comma before them.
std::string span(const std::string& id, const std::string& more = "",
                 const std::string& name = "GET /") {
  return R"({"traceId":")" + kTrace + R"(","spanId":")" + id + R"(","name":")" + name +
         R"(","startTimeUnixNano":")" + std::to_string(kStart) + R"(","endTimeUnixNano":")" +
         std::to_string(kStart + 1'000'000'000) + R"(","attributes":[])" + more + "}";
}

std::string new_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "agdb-keeper-XXXXXX").string();
  const char* const made = ::mkdtemp(path.data());
  AGDB_ASSERT(made != nullptr, path);
  return path;
}

class TraceKeeperTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_ + "/records"); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  TraceKeeper::Kept keep(const std::vector<std::string>& spans) {
    std::string text;
    for (const std::string& each : spans) text += (text.empty() ? "" : ",") + each;
    TraceKeeper keeper(folder_ + "/records", folder_ + "/traces", clock_,
                       [this](const std::string& line) { logged_.push_back(line); });
    const auto kept =
        keeper.keep({.trace_id = kTrace,
                     .text = R"({"resourceSpans":[{"scopeSpans":[{"spans":[)" + text + "]}]}]}",
                     .spans = spans.size(),
                     .has_root = true});
    EXPECT_TRUE(kept) << kept.error().message;
    return kept.value_or(TraceKeeper::Kept{});
  }
  std::vector<Span> spans() {
    const auto read = read_spans(folder_ + "/traces", kTrace);
    EXPECT_TRUE(read);
    EXPECT_EQ(read->bad_lines, 0);
    return read->spans;
  }

  const std::string folder_ = new_folder();
  RealClock clock_;
  std::vector<std::string> logged_;
};

TEST_F(TraceKeeperTest, EventsAreKeptWithTheirTimesAndAttributes) {
  const std::string at = std::to_string(kStart + 5);
  keep({span("00000000000000cd", R"(,"events":[{"name":"exception","timeUnixNano":")" + at +
                                     R"(","attributes":[{"key":"exception.message",)" +
                                     R"("value":{"stringValue":"boom"}}]},{"name":"miss"}])")});
  const std::vector<Span> kept = spans();
  ASSERT_THAT(kept, SizeIs(1));
  const WallTime start{Nanoseconds(kStart)};
  EXPECT_THAT(kept[0].events,
              ElementsAre(SpanEvent{.name = "exception",
                                    .time = start + Nanoseconds(5),
                                    .offset = Nanoseconds(5),
                                    .attributes = Json::object({{"exception.message", "boom"}})},
                          testing::AllOf(testing::Field(&SpanEvent::name, "miss"),
                                         testing::Field(&SpanEvent::time, start))));
  EXPECT_THAT(logged_, IsEmpty());
}

TEST_F(TraceKeeperTest, LinksKeepTheTraceThatTheyName) {
  keep({span(
      "00000000000000cd",
      R"(,"links":[{"traceId":")" + kOtherTrace +
          R"(","spanId":"0000000000000007","attributes":[{"key":"n","value":{"intValue":"3"}}]},)" +
          R"({"spanId":"0000000000000008"}])")});
  const std::vector<Span> kept = spans();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_THAT(kept[0].links,
              ElementsAre(SpanLink{kOtherTrace, "0000000000000007", Json::object({{"n", "3"}})},
                          SpanLink{kTrace, "0000000000000008", nullptr}));
}

TEST_F(TraceKeeperTest, ASpanThatCameTwiceIsKeptOnce) {
  const TraceKeeper::Kept kept = keep({span("00000000000000cd"), span("00000000000000cd")});
  EXPECT_TRUE(kept.spans);
  EXPECT_EQ(kept.dropped_spans, 0);
  EXPECT_THAT(spans(), SizeIs(1));
  EXPECT_THAT(logged_, IsEmpty());
}

TEST_F(TraceKeeperTest, AnotherSpanOfTheSameIdIsCountedAndLogged) {
  const TraceKeeper::Kept kept =
      keep({span("00000000000000cd", "", "first"), span("00000000000000cd", "", "second"),
            span("00000000000000cd", "", "third"), span("00000000000000cd", "", "first")});
  EXPECT_EQ(kept.dropped_spans, 2);
  EXPECT_THAT(spans(), ElementsAre(testing::Field(&Span::name, "first")));
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("trace " + kTrace + ": not kept: 2 ")));
}

TEST_F(TraceKeeperTest, ATimeThatCannotBeReadIsLogged) {
  keep({span("00000000000000cd", R"(,"events":[{"name":"e","timeUnixNano":"soon"}])")});
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("1 time that cannot be read")));
}

// Farther from the span than a duration can tell.
TEST_F(TraceKeeperTest, AnEventCenturiesLaterIsKept) {
  keep({span("00000000000000cd",
             R"(,"events":[{"name":"e","timeUnixNano":"9223372036854775807"}])")});
  const std::vector<Span> kept = spans();
  ASSERT_THAT(kept, SizeIs(1));
  ASSERT_THAT(kept[0].events, SizeIs(1));
  EXPECT_EQ(kept[0].events[0].time.time_since_epoch().count(), 9'223'372'036'854'775'807);
}

}  // namespace
}  // namespace agdb

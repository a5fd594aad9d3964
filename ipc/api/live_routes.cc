#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "ipc/api/live_feeds.h"
#include "ipc/api/masked_answer.h"
#include "ipc/api/routes.h"
#include "ipc/daemon/core.h"

namespace agdb {
namespace {

using Handled = Result<HttpResponse>;
using enum Parameter::Type;

// What waits for one client: more than a view gives at once when it goes on where another ended.
constexpr std::size_t kMaxWaiting = std::size_t{8} << 20;
constexpr std::size_t kMaxPids = 1000;

// Numbers and record ids, as pids that the daemon knows.
Result<std::set<Pid>> pids_of(const ApiCall& call, const ApiContext& context) {
  std::set<Pid> pids;
  for (const std::string& typed : call.texts("pid")) {
    const bool number = typed.find_first_not_of("0123456789") == std::string::npos;
    Json named = typed;
    if (number) {
      AGDB_TRY(named, parse_json(typed));
    }
    AGDB_TRY(const Json process, context.call("process.info", Json::object({{"pid", named}})));
    pids.insert(Pid{process["pid"].to_uint().value_or(0)});
  }
  return pids;
}

// What happened before the call is with the hub before the view begins.
bool attach(const ApiContext& context, const std::shared_ptr<LiveFeeds>& feeds,
            const ViewOptions& options, const std::shared_ptr<EventStream>& stream, bool raw) {
  return context.gate.post([=, weak = std::weak_ptr(feeds)](Core& core) {
    core.bus.flush();
    if (const auto alive = weak.lock()) alive->add(core.views, options, stream, raw);
  });
}

Handled live(const ApiCall& call, const ApiContext& context,
             const std::shared_ptr<LiveFeeds>& feeds) {
  ViewOptions options;
  options.all = call.boolean("all");
  options.follow = call.boolean("follow");
  options.last = static_cast<std::size_t>(call.integer("last"));
  if (call.has("pid") == options.all)
    return fail(Code::kInvalid, "pid: name processes, or set all");
  if (call.texts("pid").size() > kMaxPids)
    return fail(Code::kInvalid, fmt::format("pid: at most {}", kMaxPids));
  AGDB_TRY(options.filter, Filter::parse_all(call.texts("filter")));
  AGDB_TRY(options.pids, pids_of(call, context));
  const auto stream = std::make_shared<EventStream>(kMaxWaiting);
  if (const auto id = call.request().header("last-event-id"); id && !id->empty()) {
    options.after = feeds->arrival_of(*id);
    // Of another life of the daemon: nobody knows how many are missing.
    if (!options.after) stream->push({.name = "lost", .data = R"({"lost":null})"});
  }
  if (!attach(context, feeds, options, stream, is_raw(call)))
    return fail(Code::kUnavailable, "the daemon is ending");
  return HttpResponse{.headers = {{"Content-Type", "text/event-stream"}}, .events = stream};
}

std::vector<Parameter> live_parameters() {
  return {{.name = "pid",
           .description = "of this process, by its pid or its record id",
           .repeated = true,
           .least = 1,
           .most = 255},
          {.name = "all",
           .description = "of all processes, those to come too",
           .type = kBoolean,
           .otherwise = "false",
           .example = "true"},
          {.name = "follow",
           .description = "of their children too",
           .type = kBoolean,
           .otherwise = "false"},
          {.name = "filter",
           .description = "an expression as of `agdb strace -e`: trace=%tool, status=failed; all "
                          "must hold",
           .repeated = true,
           .most = 1000},
          {.name = "last",
           .description = "up to so many events that have just happened come first",
           .type = kInteger,
           .most = 1'000'000,
           .otherwise = "0"}};
}

}  // namespace

void add_live_routes(RouteTable& table, ApiContext& context) {
  const auto feeds = std::make_shared<LiveFeeds>(
      fmt::format("{:x}", context.clock.wall().time_since_epoch().count()),
      [&context](Pid pid) -> std::optional<std::int64_t> {
        const auto process = context.call("process.info", Json::object({{"pid", raw(pid)}}));
        return process ? (*process)["exit_code"].to_int() : std::nullopt;
      });
  table.add(
      {.method = "GET",
       .path = "/v1/events/stream",
       .id = "streamEvents",
       .tag = "events",
       .summary = "events as they happen (server-sent); Last-Event-ID goes on where an "
                  "earlier stream ended",
       .parameters = live_parameters(),
       .answers = {{.description = "`event`: as `agdb strace --json` prints it; `lost`: so "
                                   "many are missing here; `exit`: a process has ended",
                    .content_type = "text/event-stream"}},
       .has_texts = true,
       .handler = [&context, feeds](const ApiCall& call) { return live(call, context, feeds); }});
}

}  // namespace agdb

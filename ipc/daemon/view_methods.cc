#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <set>

#include "ipc/daemon/core.h"
#include "ipc/daemon/params.h"
#include "ipc/daemon/session.h"

namespace agdb {
namespace {

// What one turn hands over, before other connections get theirs.
constexpr std::size_t kItemsPerTurn = 512;
constexpr std::size_t kBytesPerTurn = std::size_t{256} << 10;

std::string subscription_start(std::uint64_t id, std::uint64_t seq) {
  return "{\"subscription\":" + std::to_string(id) + ",\"seq\":" + std::to_string(seq);
}

std::string item_line(Core& core, const ViewItem& item, std::uint64_t id, std::uint64_t seq) {
  std::string params = subscription_start(id, seq);
  switch (item.kind) {
    case ViewItem::Kind::kEvent:
      params.reserve(params.size() + item.event->size() + 16);
      params.append(",\"event\":").append(*item.event);
      if (item.path) {
        params.append(",\"path\":");
        dump_string_to(params, *item.path);
      }
      return notification_line("strace.event", params.append("}"));
    case ViewItem::Kind::kLost:
      params.append(",\"lost\":").append(std::to_string(item.lost)).append("}");
      return notification_line("strace.lost", params);
    case ViewItem::Kind::kExit:
      break;
  }
  const std::optional<ProcessInfo> info = core.kernel.info(item.pid);
  params.append(",\"pid\":").append(std::to_string(raw(item.pid)));
  if (info) params.append(",\"exit_code\":").append(std::to_string(info->exit.code));
  params.append(",\"exit_reason\":");
  dump_string_to(params, info ? info->exit.reason : item.reason);
  if (item.last) params.append(",\"last\":true");
  return notification_line("strace.exit", params + "}");
}

// One view of a connection. Its number is known once the connection has taken it in.
struct Feed {
  ViewId view{};
  std::uint64_t subscription = 0;
  std::uint64_t seq = 0;
};

// Called on the dispatcher's thread, so it only posts; the session may go meanwhile.
std::function<void()> wake_of(Core& core, Session& session, const std::shared_ptr<Feed>& feed) {
  return [weak = session.weak_from_this(), feed, loop = core.loop.loop] {
    boost::asio::post(*loop, [weak, feed] {
      if (const std::shared_ptr<Session> alive = weak.lock()) alive->feed(feed->subscription);
    });
  };
}

void subscribe(Core& core, Session& session, const std::shared_ptr<Feed>& feed) {
  feed->subscription = session.subscribe(
      {.feed =
           [&core, feed](Session& to, std::uint64_t id) {
             const auto items = core.views.take(feed->view, kItemsPerTurn, kBytesPerTurn);
             for (const ViewItem& item : items) to.send(item_line(core, item, id, ++feed->seq));
             return !items.empty();
           },
       .end =
           [&core, feed] {
             const ViewHub::Tally tally = core.views.detach(feed->view);
             return Json::object({{"delivered", tally.delivered}, {"lost", tally.lost}});
           }});
}

// Pids by number or record id.
Result<std::set<Pid>> pids_of(const Core& core, const Json& named) {
  std::set<Pid> pids;
  for (std::size_t i = 0; i < named.size(); ++i) {
    AGDB_TRY(const Pid pid, core.pid_of(named.items()[i]));
    pids.insert(pid);
  }
  return pids;
}

MethodResult attach(Core& core, const MethodCall& call) {
  Params params(call.params);
  const Json named = params.any("pids");
  ViewOptions options;
  options.all = params.boolean("all");
  options.follow = params.boolean("follow");
  const std::vector<std::string> filters = params.texts("filters");
  options.last = static_cast<std::size_t>(params.integer("last", 0));
  if (!named.is_null() && !named.is_array()) params.refuse("pids", "expected a list");
  if (named.empty() == !options.all) params.refuse("pids", "name processes, or set \"all\"");
  if (const auto error = params.error()) return std::unexpected(*error);
  Result<Filter> filter = Filter::parse_all(filters);
  if (!filter) return refuse(filter.error());
  options.filter = std::move(*filter);
  Result<std::set<Pid>> pids = pids_of(core, named);
  if (!pids) return refuse(pids.error());
  options.pids = std::move(*pids);
  Json processes = Json::array();
  for (const Pid pid : options.pids) processes.push_back(core.process_json(pid));
  // What happened before this call is with the hub then, so that `last` means what it says.
  core.bus.flush();
  const auto feed = std::make_shared<Feed>();
  options.wake = wake_of(core, call.session, feed);
  feed->view = core.views.attach(std::move(options));
  subscribe(core, call.session, feed);
  return Json::object({{"subscription", feed->subscription}, {"processes", std::move(processes)}});
}

MethodResult detach(const MethodCall& call) {
  Params params(call.params);
  const std::uint64_t id = params.required_number("subscription");
  if (const auto error = params.error()) return std::unexpected(*error);
  const std::optional<Json> told = call.session.unsubscribe(id);
  if (told) return *told;
  return refuse({Code::kNotFound, "no subscription " + std::to_string(id) + " here"});
}

// Alerts that have come and were not sent yet. Loop's thread.
struct AlertFeed {
  static constexpr std::size_t kMost = 10'000;
  std::uint64_t sink = 0;
  std::uint64_t subscription = 0;
  std::uint64_t seq = 0;
  std::deque<AlertItem> waiting;
  std::uint64_t lost = 0;

  void add(const AlertItem& item) {
    if (waiting.size() < kMost) {
      waiting.push_back(item);
    } else {
      ++lost;
    }
  }
};

Json alert_json(const Alert& alert) {
  return Json::object({{"kind", alert.kind},
                       {"level", alert.level},
                       {"tokens_used", alert.tokens_used},
                       {"context_budget", alert.context_budget},
                       {"remaining_pct", alert.remaining_pct},
                       {"est_remaining_steps", alert.est_remaining_steps},
                       {"step", alert.step}});
}

bool feed_alerts(AlertFeed& feed, Session& session, std::uint64_t id) {
  while (!feed.waiting.empty() && session.writable()) {
    const AlertItem item = std::move(feed.waiting.front());
    feed.waiting.pop_front();
    Json params = Json::object({{"subscription", id},
                                {"seq", ++feed.seq},
                                {"pid", raw(item.pid)},
                                {"intent", item.intent},
                                {"time", format_wall_time(item.time)},
                                {"alert", alert_json(item.alert)}});
    if (feed.lost > 0) params.set("lost", std::exchange(feed.lost, 0));
    session.send(notification_line("alerts.alert", dump(params, {.sorted = false})));
  }
  return !feed.waiting.empty();
}

MethodResult follow_alerts(Core& core, const MethodCall& call) {
  Params params(call.params);
  const auto last = static_cast<std::size_t>(params.integer("last", 0));
  if (const auto error = params.error()) return std::unexpected(*error);
  core.bus.flush();
  const auto feed = std::make_shared<AlertFeed>();
  const auto weak = call.session.weak_from_this();
  // Called on the dispatcher's thread.
  const auto sink = [weak, feed, loop = core.loop.loop](const AlertItem& item) {
    boost::asio::post(*loop, [weak, feed, item] {
      feed->add(item);
      if (const std::shared_ptr<Session> alive = weak.lock()) alive->feed(feed->subscription);
    });
  };
  const auto [id, before] = core.views.follow_alerts(last, sink);
  feed->sink = id;
  feed->waiting.assign(before.begin(), before.end());
  feed->subscription = call.session.subscribe(
      {.feed = [feed](Session& to, std::uint64_t number) { return feed_alerts(*feed, to, number); },
       .end =
           [&core, feed] {
             core.views.unfollow_alerts(feed->sink);
             return Json::object();
           }});
  // What has been follows this answer.
  boost::asio::post(*core.loop.loop, [weak, feed] {
    if (const std::shared_ptr<Session> alive = weak.lock()) alive->feed(feed->subscription);
  });
  return Json::object({{"subscription", feed->subscription}});
}

}  // namespace

void add_view_methods(MethodTable& table, Core& core) {
  table["strace.attach"] = at_once([&core](const MethodCall& call) { return attach(core, call); });
  table["strace.detach"] = at_once([](const MethodCall& call) { return detach(call); });
  table["alerts.follow"] =
      at_once([&core](const MethodCall& call) { return follow_alerts(core, call); });
  table["alerts.unfollow"] = at_once([](const MethodCall& call) { return detach(call); });
}

}  // namespace agdb

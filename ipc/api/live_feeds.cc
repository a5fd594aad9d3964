#include "ipc/api/live_feeds.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "debug/secrets/mask.h"

namespace agdb {
namespace {

// What one stream gets before the others get theirs.
constexpr std::size_t kItemsPerTurn = 512;
constexpr std::size_t kBytesPerTurn = std::size_t{256} << 10;
constexpr std::size_t kKeptMasked = 4096;

}  // namespace

LiveFeeds::LiveFeeds(std::string epoch, ExitCodes exit_codes)
    : epoch_(std::move(epoch)), exit_codes_(std::move(exit_codes)), masked_(kKeptMasked) {
  thread_ = std::thread([this] { run(); });
}

LiveFeeds::~LiveFeeds() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_.notify_one();
  thread_.join();
  for (const auto& [id, feed] : feeds_) feed.hub->detach(feed.view);
}

std::optional<std::uint64_t> LiveFeeds::arrival_of(std::string_view id) const {
  if (!id.starts_with(epoch_) || !id.substr(epoch_.size()).starts_with('-')) return std::nullopt;
  const std::string_view digits = id.substr(epoch_.size() + 1);
  std::uint64_t arrival = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), arrival);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return arrival;
}

// The dispatcher wakes with the hub's lock in its hands, so the hub is never called with ours.
void LiveFeeds::add(ViewHub& hub, ViewOptions options, const std::shared_ptr<EventStream>& stream,
                    bool raw) {
  FeedId id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_++;
  }
  options.wake = [this, id] { wake(id); };
  const ViewId view = hub.attach(std::move(options));
  {
    const std::lock_guard lock(mutex_);
    feeds_.emplace(id, Feed{&hub, view, stream, raw, false});
  }
  stream->when_gone([this, id] { remove(id); });
  wake(id);
}

std::size_t LiveFeeds::feeds() const {
  const std::lock_guard lock(mutex_);
  return feeds_.size();
}

void LiveFeeds::wake(FeedId id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = feeds_.find(id);
    if (found == feeds_.end() || found->second.ready) return;
    found->second.ready = true;
    if (std::exchange(any_ready_, true)) return;
  }
  work_.notify_one();
}

void LiveFeeds::remove(FeedId id) {
  {
    const std::lock_guard lock(mutex_);
    if (!feeds_.contains(id)) return;
    gone_.push_back(id);
    any_ready_ = true;
  }
  work_.notify_one();
}

void LiveFeeds::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    work_.wait(lock, [this] { return any_ready_ || ending_; });
    any_ready_ = false;
    std::vector<Feed> over;
    for (const FeedId id : std::exchange(gone_, {})) {
      if (auto node = feeds_.extract(id)) over.push_back(std::move(node.mapped()));
    }
    std::vector<std::pair<FeedId, Feed>> turn;
    for (auto& [id, feed] : feeds_) {
      if (std::exchange(feed.ready, false)) turn.emplace_back(id, feed);
    }
    lock.unlock();
    for (const Feed& feed : over) feed.hub->detach(feed.view);
    std::vector<FeedId> again;
    for (const auto& [id, feed] : turn) {
      if (serve(feed)) again.push_back(id);
    }
    lock.lock();
    for (const FeedId id : again) {
      if (const auto found = feeds_.find(id); found != feeds_.end())
        found->second.ready = any_ready_ = true;
    }
  }
}

bool LiveFeeds::serve(const Feed& feed) {
  const std::vector<ViewItem> items = feed.hub->take(feed.view, kItemsPerTurn, kBytesPerTurn);
  for (const ViewItem& item : items) push(feed, item);
  return !items.empty();
}

void LiveFeeds::push(const Feed& feed, const ViewItem& item) {
  switch (item.kind) {
    case ViewItem::Kind::kEvent: {
      const std::string id =
          item.arrival == 0 ? std::string() : fmt::format("{}-{}", epoch_, item.arrival);
      const Text text = feed.raw ? item.event : masked(item);
      feed.stream->push({.name = "event", .data = *text, .id = id});
      return;
    }
    case ViewItem::Kind::kLost:
      // Not count_lost: what follows here is not lost.
      feed.stream->push({.name = "lost", .data = fmt::format("{{\"lost\":{}}}", item.lost)});
      return;
    case ViewItem::Kind::kExit:
      break;
  }
  Json json = Json::object({{"pid", raw(item.pid)}});
  if (const auto code = exit_codes_(item.pid)) json.set("exit_code", *code);
  json.set("exit_reason", item.reason);
  if (item.last) json.set("last", true);
  MaskCounts counts;
  if (!feed.raw) mask_secrets(json, counts);
  feed.stream->push({.name = "exit", .data = dump(json, {.sorted = false})});
  if (item.last) feed.stream->end();
}

LiveFeeds::Text LiveFeeds::masked(const ViewItem& item) {
  MaskCounts counts;
  const auto mask = [&] {
    return std::make_shared<const std::string>(mask_json_text(*item.event, counts));
  };
  if (item.arrival == 0) return mask();
  Masked& kept = masked_[item.arrival % kKeptMasked];
  if (kept.arrival != item.arrival) kept = {item.arrival, mask()};
  return kept.text;
}

}  // namespace agdb

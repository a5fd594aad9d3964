#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "debug/secrets/secret_kind.h"
#include "ipc/daemon/view_hub.h"
#include "ipc/http/event_stream.h"

namespace agdb {

// Live views on their way to clients: one thread takes from the views what has come and pushes it
// into the streams, so that neither the daemon's loop nor its dispatcher works for them.
//
//   event  the event, as `agdb strace --json` prints it; its id is "<epoch>-<arrival>"
//   lost   {"lost": n}: n events are missing here
//   exit   {"pid", "exit_code" (when known), "exit_reason", "last" (true: nothing follows)}
//
// Any thread. Destroyed before the hub is.
class LiveFeeds {
 public:
  // The exit code of a process, if anybody knows; may wait.
  using ExitCodes = std::function<std::optional<std::int64_t>(Pid pid)>;

  // `epoch`: without "-"; ids of another one mean nothing here.
  LiveFeeds(std::string epoch, ExitCodes exit_codes);
  ~LiveFeeds();
  LiveFeeds(const LiveFeeds&) = delete;
  LiveFeeds& operator=(const LiveFeeds&) = delete;

  // What a Last-Event-ID means: the arrival; nothing for a text that is no id of this epoch.
  std::optional<std::uint64_t> arrival_of(std::string_view id) const;

  // Attaches a view for the stream; it is detached when the client has gone. `hub` outlives this.
  void add(ViewHub& hub, ViewOptions options, const std::shared_ptr<EventStream>& stream, bool raw);
  std::size_t feeds() const;

 private:
  struct Feed {
    ViewHub* hub = nullptr;
    ViewId view{};
    std::shared_ptr<EventStream> stream;
    bool raw = false;
    bool ready = false;
  };
  using FeedId = std::uint64_t;
  using Text = std::shared_ptr<const std::string>;

  void wake(FeedId id);
  void remove(FeedId id);
  void run();
  // Whether there may be more.
  bool serve(const Feed& feed);
  void push(const Feed& feed, const ViewItem& item);
  Text masked(const ViewItem& item);

  const std::string epoch_;
  const ExitCodes exit_codes_;
  // The thread's: events of late, masked, for the other streams that show them.
  struct Masked {
    std::uint64_t arrival = 0;
    Text text;
  };
  std::vector<Masked> masked_;

  mutable std::mutex mutex_;  // all below
  std::condition_variable work_;
  std::map<FeedId, Feed> feeds_;
  std::vector<FeedId> gone_;  // whose views are to be detached
  FeedId next_ = 1;
  bool any_ready_ = false;
  bool ending_ = false;
  std::thread thread_;  // last
};

}  // namespace agdb

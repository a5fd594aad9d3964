#include "ipc/daemon/daemon.h"

#include <algorithm>
#include <utility>  // before asio 1.74, which needs std::exchange

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>

#include "ipc/daemon/session.h"
#include "ipc/wire/server.h"

namespace agdb {
namespace {

// How long the last answers have to reach their peers, and how often that is looked at.
constexpr std::chrono::milliseconds kLinger{500};
constexpr std::chrono::milliseconds kLook{2};

}  // namespace

struct Daemon::Impl {
  Impl(DaemonOptions options, ListeningSocket listening) : core(std::move(options)) {
    core.shut_down = [this] { begin_shut_down("asked to shut down"); };
    add_daemon_methods(methods, core);
    add_process_methods(methods, core);
    add_view_methods(methods, core);
    add_record_methods(methods, core);
    add_agent_methods(methods, core);
    server = std::make_unique<Server>(
        *core.loop.loop, std::move(listening),
        Server::Handlers{
            .connected = [this](std::unique_ptr<Connection> connection,
                                Peer peer) { welcome(std::move(connection), peer); },
            .trouble = [this](const std::string& line) { core.log(Core::Level::kWarning, line); }});
  }

  void welcome(std::unique_ptr<Connection> connection, Peer peer) {
    const std::uint64_t id = next_session++;
    auto session = std::make_shared<Session>(core, methods, std::move(connection), peer,
                                             [this, id] { sessions.erase(id); });
    sessions.emplace(id, session);
    session->start();
  }

  // Everything ends first, so that whoever waits for an end is told; then the answers get their
  // time.
  void begin_shut_down(const std::string& why) {
    if (std::exchange(shutting_down, true)) return;
    core.log(Core::Level::kInfo, why);
    boost::asio::post(*core.loop.loop, [this] {
      server.reset();
      for (const auto& work : at_end) work();
      core.wind_up();
      wait_for_answers(kLinger);
    });
  }

  void wait_for_answers(std::chrono::milliseconds left) {
    const bool told = std::ranges::all_of(
        sessions, [](const auto& session) { return session.second->queued_bytes() == 0; });
    if (told || left <= kLook) {
      sessions.clear();
      return core.loop.scheduler->stop();
    }
    linger.expires_after(kLook);
    linger.async_wait(
        [this, left](const boost::system::error_code&) { wait_for_answers(left - kLook); });
  }

  Core core;
  boost::asio::steady_timer linger{*core.loop.loop};
  MethodTable methods;
  LoopGate gate{*core.loop.loop, core, methods};
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions;
  std::uint64_t next_session = 1;
  std::unique_ptr<Server> server;
  std::vector<std::function<void()>> at_end;
  bool shutting_down = false;
};

Result<std::unique_ptr<Daemon>> Daemon::open(DaemonOptions options) {
  AGDB_TRY(ListeningSocket socket, ListeningSocket::open(options.socket));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(socket));
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;

void Daemon::run() {
  impl_->core.loop.scheduler->run();
  impl_->gate.close();
}

LoopGate& Daemon::gate() {
  return impl_->gate;
}

void Daemon::add_listener(const std::string& name, const std::string& address) {
  impl_->core.listeners[name] = address;
}

void Daemon::add_report(const std::string& name, std::function<Json()> report) {
  impl_->core.reports[name] = std::move(report);
}

void Daemon::at_end(std::function<void()> work) {
  impl_->at_end.push_back(std::move(work));
}

void Daemon::stop() {
  boost::asio::post(*impl_->core.loop.loop, [this] { impl_->begin_shut_down("told to stop"); });
}

}  // namespace agdb

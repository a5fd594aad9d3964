#include "tools/agdb/daemon_session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "ipc/wire/unix_socket.h"

namespace agdb {

// What Ctrl-C writes to and the connection waits on.
struct DaemonSession::Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) ends = {-1, -1};
  }
  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  std::array<int, 2> ends = {-1, -1};
};

void add_socket_option(CommandLine& line, std::string& socket) {
  line.option("--socket", "PATH", socket,
              "the daemon's socket (default: $AGDB_SOCKET, else one in $XDG_RUNTIME_DIR or /tmp)")
      .is(ValueKind::kFile);
}

std::string socket_path(const std::string& option, const Environment& env) {
  if (!option.empty()) return option;
  return default_socket_path({env.socket_env, env.runtime_dir, ::geteuid()});
}

DaemonSession::DaemonSession() : pipe_(std::make_unique<Pipe>()) {
  guard_ = std::make_unique<InterruptGuard>([end = pipe_->ends[1]] {
    // A full pipe has been told already.
    [[maybe_unused]] const ssize_t written = ::write(end, "x", 1);
  });
}

DaemonSession::DaemonSession(DaemonSession&&) noexcept = default;

DaemonSession::~DaemonSession() {
  guard_.reset();
}

Result<DaemonSession> DaemonSession::open(const std::string& socket_option, Environment& env) {
  DaemonSession session;
  AGDB_TRY(DaemonClient client,
           DaemonClient::connect(socket_path(socket_option, env), session.pipe_->ends[0]));
  session.client_ = std::make_unique<DaemonClient>(std::move(client));
  AGDB_TRY(const Json status, session.call("daemon.status", {}));
  session.records_dir_ = status.text("records_dir");
  if (status.integer("protocol") != 1)
    return fail(Code::kUnsupported,
                fmt::format("the daemon (agdb {}) speaks protocol {}, this agdb {} speaks 1",
                            status.text("version"), status.integer("protocol"), AGDB_VERSION),
                "end it with its own agdb, and start this one's: agdb serve --detach");
  if (status.text("version") != AGDB_VERSION)
    env.console->note(
        fmt::format("the daemon is agdb {}, this is {}", status.text("version"), AGDB_VERSION));
  return session;
}

void DaemonSession::note_records_dir(Environment& env) const {
  if (records_dir_ != agdb::records_dir(env))
    env.console->note(fmt::format("the daemon records in {}; --records names it to other commands",
                                  records_dir_));
}

bool is_pid(const std::string& word) {
  return pid_param(word).is_number();
}

Json pid_param(const std::string& word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc() && end == word.data() + word.size()) return number;
  return word;
}

Result<ExitCode> or_interrupted(Result<ExitCode> result) {
  if (!result && result.error().code == Code::kCancelled) return ExitCode::kInterrupted;
  return result;
}

}  // namespace agdb

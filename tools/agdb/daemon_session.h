#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ipc/client/daemon_client.h"
#include "tools/agdb/command.h"
#include "tools/agdb/interrupt.h"

namespace agdb {

// What the commands that speak with the daemon have in common.

// --socket PATH.
void add_socket_option(CommandLine& line, std::string& socket);
// The socket that an empty or given --socket means.
std::string socket_path(const std::string& option, const Environment& env);

// A conversation with the daemon that Ctrl-C ends: calls and waits return kCancelled then.
class DaemonSession {
 public:
  // Says on stderr when the daemon is of another release; an error when it speaks another protocol.
  static Result<DaemonSession> open(const std::string& socket_option, Environment& env);
  DaemonSession(DaemonSession&&) noexcept;
  ~DaemonSession();

  DaemonClient& client() { return *client_; }
  // Where the daemon's recordings are.
  const std::string& records_dir() const { return records_dir_; }
  // Says on stderr where they are when other commands, run here, would look elsewhere.
  void note_records_dir(Environment& env) const;
  Result<Json> call(std::string_view method, const Json& params) {
    return client_->call(method, params);
  }

 private:
  struct Pipe;
  DaemonSession();
  std::unique_ptr<Pipe> pipe_;
  std::unique_ptr<InterruptGuard> guard_;
  std::unique_ptr<DaemonClient> client_;
  std::string records_dir_;
};

// A pid or a record id, as the protocol takes it.
Json pid_param(const std::string& word);
// Whether a word is a number, and so a pid and no record id.
bool is_pid(const std::string& word);

// The exit code for a result that Ctrl-C may have cut short: kInterrupted for kCancelled, without a
// word; other errors as they are.
Result<ExitCode> or_interrupted(Result<ExitCode> result);

}  // namespace agdb

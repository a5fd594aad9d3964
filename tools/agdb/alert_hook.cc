#include "tools/agdb/alert_hook.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

extern char** environ;

namespace agdb {
namespace {

using Clock = std::chrono::steady_clock;

struct Ends {
  Ends() {
    if (::pipe2(fd.data(), O_CLOEXEC) != 0) fd = {-1, -1};
  }
  ~Ends() {
    close(0);
    close(1);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  void close(std::size_t end) {
    if (fd.at(end) >= 0) ::close(fd.at(end));
    fd.at(end) = -1;
  }
  std::array<int, 2> fd = {-1, -1};
};

Result<pid_t> start(const std::vector<std::string>& words, int input) {
  std::vector<char*> argv;
  for (const std::string& word : words)
    argv.push_back(const_cast<char*>(word.c_str()));  // NOLINT(*-const-cast): exec's old signature
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // It is to end by Ctrl-C and by a closed pipe as programs do.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t usual;
  ::sigemptyset(&none);
  ::sigemptyset(&usual);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGXFSZ}) ::sigaddset(&usual, number);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return fail(Code::kNotFound,
                fmt::format("cannot run {}: {}", words.front(), std::strerror(error)));
  return pid;
}

int left_until(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

// As much as the program takes, until the time is over.
void feed(Ends& pipe, std::string_view input, Clock::time_point until) {
  ::fcntl(pipe.fd[1], F_SETFL, O_NONBLOCK);
  while (!input.empty()) {
    pollfd watched{pipe.fd[1], POLLOUT, 0};
    if (::poll(&watched, 1, left_until(until)) == 0) break;
    const ssize_t written = ::write(pipe.fd[1], input.data(), input.size());
    if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
    if (written < 0 && errno != EINTR && errno != EAGAIN) break;
  }
  pipe.close(1);
}

}  // namespace

Result<std::vector<std::string>> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool within = false;  // a word has begun
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      within = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (within) words.push_back(std::move(word));
      word.clear();
      within = false;
    } else {
      word += c;
      within = true;
    }
  }
  if (quote != 0) return fail(Code::kInvalid, fmt::format("{}: a {} is not closed", text, quote));
  if (within) words.push_back(std::move(word));
  if (words.empty() || words.front().empty())
    return fail(Code::kInvalid, "no command to run", "name a program");
  return words;
}

Status run_with_input(const std::vector<std::string>& words, const std::string& input,
                      std::chrono::milliseconds limit) {
  const Clock::time_point until = Clock::now() + limit;
  Ends pipe;
  if (pipe.fd[0] < 0) return fail(Code::kIo, "cannot make a pipe");
  AGDB_TRY(const pid_t pid, start(words, pipe.fd[0]));
  pipe.close(0);
  feed(pipe, input, until);
  const auto end = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd watched{end, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&watched, 1, left_until(until));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) ::kill(pid, SIGKILL);
  if (end >= 0) ::close(end);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ready == 0)
    return fail(Code::kTimeout, fmt::format("{} did not end within {} s and was killed",
                                            words.front(), limit.count() / 1000));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Code::kUnavailable,
              WIFEXITED(status)
                  ? fmt::format("{} ended with code {}", words.front(), WEXITSTATUS(status))
                  : fmt::format("{} was ended by signal {}", words.front(), WTERMSIG(status)));
}

}  // namespace agdb

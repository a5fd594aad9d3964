#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/agdb/command.h"

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away is an error of write(2), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // likewise a file that may not grow further
  agdb::Console console(stdout, stderr);
  agdb::Environment env{.console = &console,
                        .working_dir = {},
                        .records_env = environment("AGDB_RECORDS"),
                        .editor = environment("VISUAL"),
                        .socket_env = environment("AGDB_SOCKET"),
                        .runtime_dir = environment("XDG_RUNTIME_DIR"),
                        .records_option = {}};
  std::error_code error;
  env.working_dir = std::filesystem::current_path(error).string();
  if (error) env.working_dir = "/";
  if (env.editor.empty()) env.editor = environment("EDITOR");
  return static_cast<int>(
      agdb::run_command_line(std::vector<std::string>(argv + 1, argv + argc), env));
}

#include "tools/agdb/edit_text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tools/agdb/input_file.h"

namespace agdb {
namespace {

// The editor is a shell command by convention ("code --wait"); the path is handed over as $1.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Status edit_text(std::string_view text, std::string_view name, const Environment& env,
                 const std::function<Status(std::string_view edited)>& use) {
  if (env.editor.empty()) return fail(Code::kInvalid, "no editor is set", "set $VISUAL or $EDITOR");
  std::error_code error;
  std::string folder = (std::filesystem::temp_directory_path(error) / "agdb-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr)
    return fail(Code::kIo,
                fmt::format("cannot make a folder in {}: {}", folder, std::strerror(errno)));
  const std::string path = folder + "/" + std::string(name);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return fail(Code::kIo, fmt::format("cannot write {}", path));
  const std::string command = fmt::format("{} {}", env.editor, shell_quoted(path));
  if (std::system(command.c_str()) != 0)  // the editor is the person's own command line
    return fail(Code::kCancelled,
                fmt::format("the editor \"{}\" failed; nothing was run", env.editor),
                fmt::format("what was written is in {}", path));
  AGDB_TRY(const std::string edited, read_input_file(path));
  Status used = use(edited);
  if (used) {
    std::filesystem::remove_all(folder, error);
  } else {
    used.error().hint = fmt::format("nothing was run; what was written is in {}", path);
  }
  return used;
}

}  // namespace agdb

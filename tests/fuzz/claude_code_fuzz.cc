#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "debug/import/importers.h"

namespace {

// The same bytes once more, as the file of a sub-agent and as its description.
class Companions final : public agdb::SessionFiles {
 public:
  explicit Companions(std::string_view text) : text_(text) {}

  agdb::Result<std::string> read(const std::string&) override { return std::string(text_); }
  std::vector<std::string> list(const std::string& folder) override {
    if (!folder.ends_with("/subagents")) return {};
    return {"agent-a1.jsonl", "agent-a1.meta.json"};
  }

 private:
  std::string_view text_;
};

// What whoever plays the log relies on.
void check(const agdb::SessionRun& run) {
  for (std::size_t p = 0; p < run.processes.size(); ++p) {
    const agdb::SessionProcess& process = run.processes[p];
    AGDB_ASSERT((p == 0) == !process.parent.has_value(), "only the root has no parent");
    AGDB_ASSERT(p == 0 || *process.parent < p, "a parent stands before its children");
    for (std::size_t i = 0; i < process.items.size(); ++i) {
      const auto* result = std::get_if<agdb::SessionToolResult>(&process.items[i]);
      if (result == nullptr) continue;
      AGDB_ASSERT(result->answer < i, "a result follows its answer");
      const auto& answer = std::get<agdb::SessionAnswer>(process.items[result->answer]);
      AGDB_ASSERT(result->call < answer.response.tool_calls.size(), "a result has its call");
      AGDB_ASSERT(!result->child || *result->child < run.processes.size(), "a child is there");
    }
  }
}

}  // namespace

// Whatever the bytes: reading them does not crash, ends, and gives a log that can be played.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Companions files(text);
  const auto log = agdb::import_claude_code(text, "/p/session.jsonl", files);
  if (!log) return 0;
  for (const agdb::SessionRun& run : log->runs) check(run);
  return 0;
}

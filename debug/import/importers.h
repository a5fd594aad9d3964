#pragma once

#include <string>
#include <string_view>

#include "debug/import/session.h"

namespace agdb {

// Each importer takes the whole text of a file and its path (to find companion files and to name it
// in errors). An error means that nothing of it can be used: not this format at all. Damage inside
// is counted in SessionLog::not_understood. An empty file gives a log without runs.

// Claude Code session JSONL, with sub-agents in any of the four layouts.
Result<SessionLog> import_claude_code(std::string_view text, const std::string& path,
                                      SessionFiles& files);

// OpenAI chat-completions message arrays: tau-bench runs, tau2-bench simulations, single LiteLLM
// call logs, bare message lists, one object with "messages", and JSON lines of such.
Result<SessionLog> import_openai_chat(std::string_view text, const std::string& path);

// Spans of agents: OTLP/JSON (a request a line, or one document), and the forms in which tracing
// SDKs, Tempo, Jaeger and Langfuse give them out. Each trace is a run.
Result<SessionLog> import_otlp(std::string_view text, const std::string& path);

// "claude-code", "openai-chat" or "otlp" by looking at the content, not the name; empty when
// neither fits.
std::string_view detect_session_format(std::string_view text);

}  // namespace agdb

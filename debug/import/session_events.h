#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "debug/import/session.h"
#include "runtime/events/event.h"
#include "runtime/events/script.h"

namespace agdb {

struct RunAgents;

// Gives the events of one process of an imported run, in order, beginning with ProcessStart and
// ending with ProcessEnd: the shapes of a live run (runtime/kernel/README.md), with the log's
// times. Pids are first_pid + the process's index. Each Spawn of a parent stands where the log has
// the call.
void session_events(const SessionRun& run, std::size_t process, Pid first_pid,
                    const std::string& run_id, const std::string& trace_id,
                    const std::function<void(Event&&)>& sink);

// The same, for one process after the other.
void session_events(const SessionRun& run, const RunAgents& agents, std::size_t process,
                    Pid first_pid, const std::string& run_id, const std::string& trace_id,
                    const std::function<void(Event&&)>& sink);

// A script that plays the run again: the process at `main` and the agents that it spawns. Tool
// results, latencies, tokens, sub-agents, what the user said and compactions are the log's.
Script session_script(const SessionRun& run, std::size_t main = 0);
Script session_script(const SessionRun& run, const RunAgents& agents, std::size_t main);

}  // namespace agdb

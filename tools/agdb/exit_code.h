#pragma once

namespace agdb {

// What the program's exit status says. Part of the interface: scripts test for these.
enum class ExitCode : int {
  kDone = 0,         // or: equal
  kFailed = 1,       // one line on stderr says why
  kUsage = 2,        // the words of the command line are wrong
  kFound = 3,        // verify found something; diff --exit-code found a difference
  kAgentFailed = 4,  // agdb did its work, the agent did not (run, fork --run, import --run)
  kInterrupted = 130,
};

}  // namespace agdb

#pragma once

#include <string>

#include "debug/record/reader.h"
#include "debug/replay/fork_context.h"
#include "tools/agdb/command.h"
#include "tools/agdb/run_session.h"

namespace agdb {

// Runs on from a fork context, with the script of its recording. Says on stderr who answers: a
// played-back answer does not react to an edit unless a pattern of the script does. An error when
// the recording has no script.
Result<RunOutcome> run_fork(const Recording& recording, const ForkContext& fork,
                            const RunOptions& options, Environment& env);

}  // namespace agdb

#pragma once

#include <string>
#include <string_view>

#include "debug/record/reader.h"
#include "debug/replay/fork_context.h"
#include "tools/agdb/command.h"
#include "tools/agdb/run_session.h"

namespace agdb {

// Whether a message may have that role; the error lists those that may.
Status check_role(std::string_view role);

// Says on stderr which tool calls of the context have no result: model APIs refuse such a context,
// and a run makes those calls first, if nothing stands behind them.
void note_open_calls(const ForkContext& fork, Console& console);

// Runs on from a fork context, with the script of its recording. Says on stderr who answers: a
// played-back answer does not react to an edit unless a pattern of the script does. An error when
// the recording has no script.
Result<RunOutcome> run_fork(const Recording& recording, const ForkContext& fork,
                            const RunOptions& options, Environment& env);

}  // namespace agdb

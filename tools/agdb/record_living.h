#pragma once

#include "tools/agdb/command.h"

namespace agdb {

// `agdb record start` and `agdb record stop`: recording of a process that lives in the daemon.
Runner declare_record_start(CommandLine& line);
Runner declare_record_stop(CommandLine& line);

}  // namespace agdb

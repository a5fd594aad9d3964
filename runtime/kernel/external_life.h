#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/events/clock.h"
#include "runtime/events/json.h"
#include "runtime/kernel/context.h"

namespace agdb {

// Whether an agent may go on; if not, why: an exit reason, or "suspended".
struct GateAnswer {
  bool go = true;
  std::string reason = {};
};

// What the process table keeps of an agent that lives elsewhere. Internal to the kernel.
struct ExternalLife {
  struct OpenCall {
    std::string name;
    Json args;
    Nanoseconds began{0};
  };
  std::map<std::uint64_t, Context> contexts;                    // by the agent's own number
  std::map<std::uint64_t, OpenCall> open_calls;                 // likewise: begun and not ended
  std::vector<std::function<void(const GateAnswer&)>> at_gate;  // wait for their answer
};

}  // namespace agdb

#pragma once

#include "runtime/kernel/kernel_impl.h"
#include "runtime/kernel/process.h"

namespace agdb {

// The life of an agent from its first thought to its end: take in what came from outside, ask the
// model, do what it asks for, and so on, until it has nothing more to ask for, its budget or its
// steps are used up, or its script has no more answers. Ends by Kernel::Impl::finish_later.
// `kernel` and `process` outlive the task.
Task<void> reason(Kernel::Impl& kernel, Process& process);

}  // namespace agdb

#include "tools/agdb/masked_note.h"

#include <fmt/format.h>

#include "tools/agdb/plural.h"

namespace agdb {

void tell_masked(const MaskCounts& masked, Environment& env) {
  if (masked.total() == 0) return;
  env.console->note(fmt::format("{} masked ({}); --raw leaves them",
                                plural(masked.total(), "secret"), masked.text()));
}

}  // namespace agdb

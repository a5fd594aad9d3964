#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/events/script.h"

// Whatever the bytes: reading them does not crash, and what is a script survives being written and
// read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const agdb::Result<agdb::Script> script = agdb::parse_script(text, "fuzz");
  if (!script) return 0;
  const agdb::Result<agdb::Script> again =
      agdb::parse_script(agdb::script_to_json(*script), "again");
  AGDB_ASSERT(again.has_value(), again.error().message);
  AGDB_ASSERT(*again == *script, "another script came back");
  return 0;
}

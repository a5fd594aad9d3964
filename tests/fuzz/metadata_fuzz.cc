#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "debug/record/metadata.h"

// Whatever the bytes: reading them does not crash, and what was read can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto metadata =
      agdb::parse_metadata({reinterpret_cast<const char*>(data), size}, "metadata.json");
  if (!metadata) return 0;
  const std::string text = agdb::metadata_to_json(*metadata);
  const auto again = agdb::parse_metadata(text, "metadata.json");
  AGDB_ASSERT(again.has_value(), "what we write we read: " + text);
  AGDB_ASSERT(again->record_id == metadata->record_id, "the same id");
  AGDB_ASSERT(again->pid == metadata->pid, "the same pid");
  AGDB_ASSERT(again->intent == metadata->intent, "the same intent");
  AGDB_ASSERT(again->event_count == metadata->event_count, "the same count");
  AGDB_ASSERT(again->status == metadata->status, "the same status");
  return 0;
}

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "debug/secrets/mask.h"
#include "runtime/events/json.h"
#include "runtime/events/text.h"

namespace {

void check_text(std::string_view text) {
  agdb::MaskCounts counts;
  const std::string once = agdb::mask_secrets(text, counts);
  AGDB_ASSERT(counts.total() > 0 || once == text, "without a secret nothing changes");
  AGDB_ASSERT(!agdb::is_utf8(text) || agdb::is_utf8(once), "UTF-8 stays UTF-8");
  agdb::MaskCounts again;
  AGDB_ASSERT(agdb::mask_secrets(once, again) == once, "masked twice is masked once: " + once);
}

void check_json(std::string_view text) {
  agdb::MaskCounts counts;
  const std::string once = agdb::mask_json_text(text, counts);
  AGDB_ASSERT(counts.total() > 0 || once == text, "without a secret nothing changes");
  agdb::MaskCounts again;
  // Of a text that is no UTF-8 the first time makes one.
  AGDB_ASSERT(!agdb::is_utf8(text) || agdb::mask_json_text(once, again) == once,
              "masked twice is masked once: " + once);
  agdb::ParseNotes notes;
  const auto before = agdb::parse_json(text, &notes);
  if (!before) return;
  const auto after = agdb::parse_json(once);
  AGDB_ASSERT(after.has_value(), "JSON stays JSON: " + once);
  if (notes != agdb::ParseNotes{}) return;
  agdb::Json value = *before;
  agdb::MaskCounts in_value;
  agdb::mask_secrets(value, in_value);
  AGDB_ASSERT(value == *after && in_value == counts, "the same in a value: " + once);
}

}  // namespace

// Any bytes, as a text and as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_text(bytes);
  check_json(bytes);
  return 0;
}

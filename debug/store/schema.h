#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "debug/store/database.h"

namespace agdb {

// The version of the tables that this program makes, and the newest that it reads.
inline constexpr std::int64_t kStoreVersion = 3;

// What makes version i + 1 of version i, as SQL; kStoreVersion of them.
using SchemaSteps = std::span<const char* const>;
SchemaSteps schema_steps();

// Brings a file, which may be empty, to the version behind the last of `steps`: as a whole or not
// at all. Errors: a newer version (kUnsupported), another program's file (kInvalid), damage
// (kCorrupt).
Status prepare_schema(Database& database, const std::string& path,
                      SchemaSteps steps = schema_steps());

// Looks whether the file is sound, as far as that is quick: a file of up to 4 MiB as a whole, of a
// larger one its structure, the kept sums, the newest and the oldest traces. Damage is kCorrupt.
Status look_for_damage(Database& database, const std::string& path);

}  // namespace agdb

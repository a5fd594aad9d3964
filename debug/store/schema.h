#pragma once

#include <cstdint>
#include <string>

#include "debug/store/database.h"

namespace agdb {

// The version of the tables that this program makes, and the newest that it reads.
inline constexpr std::int64_t kStoreVersion = 1;

// Brings a file, which may be empty, to kStoreVersion: step by step, each whole or not at all.
// Errors: a newer version (kUnsupported), another program's file (kInvalid), damage (kCorrupt).
Status prepare_schema(Database& database, const std::string& path);

// Looks whether the file is sound, as far as that is quick: a file of up to 4 MiB as a whole, of a
// larger one its structure, the kept sums, the newest and the oldest traces. Damage is kCorrupt.
Status look_for_damage(Database& database, const std::string& path);

}  // namespace agdb

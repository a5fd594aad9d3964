#pragma once

#include <cstdint>
#include <string_view>

#include "debug/store/database.h"

namespace agdb {

// Numbers that stay with the file, by name; the schema gives each its first value. One that is not
// there is damage.
Result<std::int64_t> setting(Database& database, std::string_view name);
Status set_setting(Database& database, std::string_view name, std::int64_t value);

}  // namespace agdb

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agdb {

// "1 event", "2 events"; `many` where adding an s is not enough: "2 processes".
std::string plural(std::uint64_t count, std::string_view one, std::string_view many = {});

}  // namespace agdb

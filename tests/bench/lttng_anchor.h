#pragma once

#include <cstdint>

namespace agdb::bench {

// The LTTng-UST tracepoint that emit is measured against. start gives false where lttng-tools is
// not installed or its session daemon does not start.
bool start_lttng();
void stop_lttng();
void lttng_seven_integers(std::uint64_t i);

}  // namespace agdb::bench

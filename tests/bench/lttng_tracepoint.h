// lttng/tracepoint.h reads this file several times.
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER agdb_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "tests/bench/lttng_tracepoint.h"

#if !defined(AGDB_BENCH_LTTNG_TRACEPOINT_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define AGDB_BENCH_LTTNG_TRACEPOINT_H

#include <lttng/tracepoint.h>
#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    agdb_bench, seven_integers,
    LTTNG_UST_TP_ARGS(uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d, uint64_t, e, uint64_t, f,
                      uint64_t, g),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer(uint64_t, a, a) lttng_ust_field_integer(uint64_t, b, b)
            lttng_ust_field_integer(uint64_t, c, c) lttng_ust_field_integer(uint64_t, d, d)
                lttng_ust_field_integer(uint64_t, e, e) lttng_ust_field_integer(uint64_t, f, f)
                    lttng_ust_field_integer(uint64_t, g, g)))

#endif

#include <lttng/tracepoint-event.h>

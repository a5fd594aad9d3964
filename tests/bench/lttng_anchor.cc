#include "tests/bench/lttng_anchor.h"

#include <cstdlib>
#include <string>

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "tests/bench/lttng_tracepoint.h"

namespace agdb::bench {
namespace {

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

// A snapshot session: its buffers are overwritten and nothing is written to disk. tools/bench.sh
// has started the session daemon.
bool start_lttng() {
  return std::getenv("AGDB_BENCH_LTTNG") != nullptr && run("lttng create agdb-bench --snapshot") &&
         run("lttng enable-event --userspace agdb_bench:seven_integers") && run("lttng start");
}

void stop_lttng() {
  run("lttng destroy agdb-bench");
}

void lttng_seven_integers(std::uint64_t i) {
  lttng_ust_tracepoint(agdb_bench, seven_integers, i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6);
}

}  // namespace agdb::bench

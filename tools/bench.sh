#!/usr/bin/env bash
# Every performance figure that the README states, measured against its anchor in one run.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'END'
Usage: tools/bench.sh [PART...]

Builds the benchmarks (in build/release) and runs them, or the parts named: emit, serialise,
pipeline, reading, views, wire (the engine: six minutes), trace, trace_export, http, store.
Each figure that is a goal stands beside what it must be, as a ratio to an anchor of the
same run.
Exit code 3: a goal was missed.

The machine should do nothing else meanwhile. tools/setup.sh --bench installs the anchors.
END
}

for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
  esac
done

cd "$agdb_root"
tools/setup.sh --bench
say "build (build/release)"
cmake --preset release -DAGDB_BENCH=ON >/dev/null
build release agdb_bench >/dev/null

# LTTng's session daemon, ours alone and for as long as this runs.
lttng_home=$(mktemp -d)
export LTTNG_HOME=$lttng_home
cleanup() {
  if [[ -s $lttng_home/pid ]]; then
    kill "$(cat "$lttng_home/pid")" 2>/dev/null || true
  fi
  rm -rf "$lttng_home"
}
trap cleanup EXIT
if lttng-sessiond --daemonize --no-kernel --pidfile "$lttng_home/pid" >/dev/null 2>&1; then
  export AGDB_BENCH_LTTNG=1
fi

version() { dpkg-query -W -f='${Version}' "$1"; }
say "$(nproc) cores, $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), Linux $(uname -r)"
printf 'g++ %s, spdlog %s, lttng-ust %s, nlohmann %s, simdjson %s, load %s\n' \
  "$(g++ -dumpfullversion)" "$(version libspdlog-dev)" "$(version liblttng-ust-dev)" \
  "$(version nlohmann-json3-dev)" "$(version libsimdjson-dev)" "$(cut -d' ' -f1 /proc/loadavg)"
build/release/tests/bench/agdb_bench "$@"

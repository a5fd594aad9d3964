# Shared by demo.sh, test.sh and .ci/run, which source it.
# shellcheck shell=bash

# shellcheck disable=SC2034  # for those who source this
agdb_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# How many compilers at once: one a core, and no more than memory has room for at 1.5 GiB each.
parallel_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo 2>/dev/null || true)
  [[ ${memory:-0} -ge 1 ]] || memory=1
  echo $((cores < memory ? cores : memory))
}

say() {
  printf '\n== %s\n' "$*"
}

# build PRESET [TARGET]: configures and builds; runs in the project's root.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" >/dev/null || return
  cmake --build --preset "$preset" ${1:+--target "$1"}
}

CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(parallel_jobs)}
CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$CMAKE_BUILD_PARALLEL_LEVEL}
export CMAKE_BUILD_PARALLEL_LEVEL CTEST_PARALLEL_LEVEL

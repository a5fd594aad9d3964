#!/usr/bin/env bash
# Builds the fuzzers and lets each look for new findings for a while.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'END'
Usage: tools/fuzz.sh [SECONDS [TARGET...]]

Builds the fuzzers (preset fuzz, clang 19) and runs each TARGET for SECONDS (default: all of them,
10 seconds each), as many at once as there are cores. A target is tests/fuzz/TARGET_fuzz.cc. It
begins with the inputs in tests/fuzz/corpus/TARGET and tests/fuzz/regressions/TARGET and those that
earlier runs kept in build/fuzz/inputs/TARGET, and adds what is new to the last.

An input that crashes, takes over 10 s or 2 GiB is a finding: it is kept in
build/fuzz/findings/TARGET, with the log beside it. Once it is fixed, move it to
tests/fuzz/regressions/TARGET: every build's tests try it from then on.

Exit code: 0 nothing found, 1 a finding, 2 wrong usage.

Examples:
  tools/fuzz.sh
  tools/fuzz.sh 600 event_line zstd_frames
END
}

wrong_usage() {
  printf 'fuzz: %s\n' "$*" >&2
  usage >&2
  exit 2
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
esac
seconds=${1:-10}
[[ $seconds =~ ^[1-9][0-9]{0,6}$ ]] || wrong_usage "\"$seconds\" is no number of seconds"
[[ $# -eq 0 ]] || shift

cd "$agdb_root"
targets=("$@")
if [[ $# -eq 0 ]]; then
  for source in tests/fuzz/*_fuzz.cc; do
    targets+=("$(basename "$source" _fuzz.cc)")
  done
fi
for target in "${targets[@]}"; do
  [[ -f tests/fuzz/${target}_fuzz.cc ]] || wrong_usage "there is no tests/fuzz/${target}_fuzz.cc"
done

build fuzz
say "fuzzing, $seconds s a target"

# run_target TARGET: its log tells the rest.
run_target() {
  local target=$1 kept=build/fuzz/inputs/$1 findings=build/fuzz/findings/$1
  local folders=("$kept") folder code=0
  rm -rf "$findings"
  mkdir -p "$kept" "$findings"
  for folder in "tests/fuzz/corpus/$target" "tests/fuzz/regressions/$target"; do
    [[ ! -d $folder ]] || folders+=("$folder")
  done
  "build/fuzz/tests/fuzz/${target}_fuzzer" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$findings/" "${folders[@]}" \
    >"$findings/log" 2>&1 </dev/null || code=$?
  echo "$code" >"$findings/code"
}

running=0
for target in "${targets[@]}"; do
  if [[ $running -ge $CMAKE_BUILD_PARALLEL_LEVEL ]]; then
    wait -n
    running=$((running - 1))
  fi
  run_target "$target" &
  running=$((running + 1))
done
wait

stat_of() {
  awk -v name="stat::$2:" '$1 == name { value = $2 } END { print value == "" ? "?" : value }' \
    "build/fuzz/findings/$1/log"
}

passed=0
failed=0
printf '%-14s %12s %12s  %s\n' target executions "new inputs" result
for target in "${targets[@]}"; do
  result=ok
  if [[ $(cat "build/fuzz/findings/$target/code") -eq 0 ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    result="FOUND, see build/fuzz/findings/$target"
  fi
  printf '%-14s %12s %12s  %s\n' "$target" "$(stat_of "$target" number_of_executed_units)" \
    "$(stat_of "$target" new_units_added)" "$result"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]

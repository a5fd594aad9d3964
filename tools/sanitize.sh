#!/usr/bin/env bash
# Builds with sanitizers and runs the tests: those of a room in one process, because under a sanitizer
# to start one costs more than most tests.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'END'
Usage: tools/sanitize.sh PRESET [ROOM...]

Builds PRESET (asan or tsan) and runs all tests; or the unit tests of some rooms, such as
debug/record, without those that take minutes on one thread. What failed is shown whole; the last
line counts the unit tests.

Exit code: 0 all passed, 1 some failed, 2 wrong usage.

Examples:
  tools/sanitize.sh asan
  tools/sanitize.sh tsan debug/store ipc/http
END
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  asan | tsan) preset=$1; shift ;;
  *) usage >&2; exit 2 ;;
esac
cd "$agdb_root"

# g++ 12's sanitizers start only where addresses are randomised by 28 bits or fewer.
tame=()
random_bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
if [[ $random_bits -gt 28 ]] && setarch -R true 2>/dev/null; then
  tame=(setarch -R)
fi

# Tests that try many bytes or much text on one thread: minutes, slowed down, in which the sanitizer
# of threads sees nothing.
long_on_one_thread='*Hostile_*:*AnyByte*:*AnyFlippedByte*:*TakesNoStack*:SnapshotGrowth*:*TooLong*'
long_on_one_thread+=':*.ALineOf*:*.ABomb*:JsonText*:*DeathAtAnyMoment*:*/loop_json*'

rooms=("$@")
targets=()
filter='*'
if [[ ${#rooms[@]} -gt 0 ]]; then
  targets=("${rooms[@]/%/_test}")
  targets=(--target "${targets[@]//\//_}")
  filter="-$long_on_one_thread"
fi
cmake --preset "$preset"
"${tame[@]}" cmake --build --preset "$preset" "${targets[@]}"

if [[ ${#rooms[@]} -gt 0 ]]; then
  programs=("${targets[@]:1}")
else
  # The large ones first: they take longest.
  mapfile -t programs < <(find "build/$preset/tests" -maxdepth 1 -name '*_test' -perm -u+x -printf '%s %f\n' |
    sort -rn | cut -d' ' -f2)
fi

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# run_room PROGRAM: its log tells the rest.
run_room() {
  local code=0
  timeout 1200 "${tame[@]}" "build/$preset/tests/$1" --gtest_filter="$filter" --gtest_brief=1 \
    >"$logs/$1" 2>&1 </dev/null || code=$?
  [[ $code -eq 0 ]] || printf 'the program ended with exit code %d\n' "$code" >>"$logs/$1"
}

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
passed=0
failed=0
for program in "${programs[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge $CTEST_PARALLEL_LEVEL ]]; do wait -n; done
  run_room "$program" &
done
wait
for program in "${programs[@]}"; do
  log=$logs/$program
  good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log")
  bad=$(sed -n 's/^ *\([0-9]*\) FAILED TESTS\{0,1\}$/\1/p' "$log")
  if grep -q '^the program ended' "$log"; then
    printf '== %s\n' "$program"
    tail -n 200 "$log"
    : "${bad:=1}"
  fi
  printf '%-22s %5d passed %4d failed\n' "$program" "${good:-0}" "${bad:-0}"
  passed=$((passed + ${good:-0}))
  failed=$((failed + ${bad:-0}))
done

code=0
if [[ ${#rooms[@]} -eq 0 ]]; then
  "${tame[@]}" ctest --preset "$preset" --no-tests=error -LE unit || code=1
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 && $passed -gt 0 && $code -eq 0 ]]

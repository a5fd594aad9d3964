#!/usr/bin/env bash
# Installs the Debian packages that agdb is built from, those that are missing and no others.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tools/setup.sh [--dev] [--bench]

Installs what building and testing agdb needs and what is missing: Debian packages only, without
their recommendations, and (but for --bench) none that starts a service. Where nothing is missing it changes nothing
and needs no rights; otherwise it runs apt-get, through sudo where it is not run by root.

  --dev    also clang 19's compiler, format, tidy and fuzzer, which .ci/run uses
  --bench  also what the benchmarks measure against; its lttng-tools brings a service
  --help   this text

Example:
  tools/setup.sh && cmake --preset release && cmake --build --preset release
END
}

build_packages=(
  g++ cmake ninja-build pkg-config
  libboost-dev        # Asio, Beast
  nlohmann-json3-dev  # JSON, written
  libsimdjson-dev     # JSON, read
  libxxhash-dev       # hashes of messages and prompts
  libzstd-dev         # compressed recordings
  libsqlite3-dev      # the store of all runs
  zlib1g-dev          # gzip, for OpenTelemetry collectors
  libssl-dev          # SHA-256
  libre2-dev          # patterns in scripts and filters
  libfmt-dev          # text
  libcli11-dev        # command line
  libedit-dev         # line editing in the replay prompt
  libspdlog-dev       # the daemon's log
  libncurses-dev      # the live table of processes
  libgtest-dev libgmock-dev
  python3             # tests of the scripts and of the program as a whole
  nodejs              # tests of the client for agents in Node
)
dev_packages=(
  clang-19            # -fsanitize=fuzzer
  libclang-rt-19-dev  # its run-time parts
  clang-format-19
  clang-tidy-19
  git                 # which files changed
)
bench_packages=(
  liblttng-ust-dev lttng-tools
)

refuse() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

missing_of() {
  local known
  known=" $(dpkg-query -W -f='${Package}=${db:Status-Status} ' "$@" 2>/dev/null || true)"
  local package
  for package in "$@"; do
    [[ $known == *" $package=installed "* ]] || printf '%s\n' "$package"
  done
}

# apt_get ARGUMENT...: keeps the many lines of apt and dpkg out of sight unless it fails.
apt_get() {
  local log
  log=$(mktemp)
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -q -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    refuse "apt-get $1 failed; its last lines are above"
  fi
  rm -f "$log"
}

packages=("${build_packages[@]}")
for argument in "$@"; do
  case $argument in
    --dev) packages+=("${dev_packages[@]}") ;;
    --bench) packages+=("${bench_packages[@]}") ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  refuse "no apt-get here (agdb is built on Debian 12); install by hand: ${packages[*]}"
fi

mapfile -t missing < <(missing_of "${packages[@]}")
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "setup: all ${#packages[@]} packages are there"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  by_hand="as root: apt-get install --no-install-recommends ${missing[*]}"
  command -v sudo >/dev/null || refuse "not root, and there is no sudo; $by_hand"
  sudo env true || refuse "sudo does not allow it; $by_hand"
  as_root=(sudo)
fi

echo "setup: ${#missing[@]} of ${#packages[@]} packages are missing: ${missing[*]}"
echo "setup: apt-get update"
apt_get update
echo "setup: apt-get install (a minute or two)"
apt_get install --no-install-recommends -y "${missing[@]}"
echo "setup: done"

#!/usr/bin/env bash
# Set-up, build, and every test.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
  '') ;;
  -h | --help)
    cat <<'END'
Usage: tools/test.sh

Installs the packages that are missing, builds agdb with its tests (build/release) and runs them.
Exit code 0: every test passed.
END
    exit 0 ;;
  *) echo "tools/test.sh takes no arguments; see --help" >&2; exit 2 ;;
esac

started=$SECONDS
cd "$agdb_root"
tools/setup.sh
say "build (build/release)"
build release
say "tests"
ctest --preset release --no-tests=error
say "every test passed; $((SECONDS - started)) s in all"

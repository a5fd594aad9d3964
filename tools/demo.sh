#!/usr/bin/env bash
# Set-up, build, and what agdb is for, on a real session.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
  '') ;;
  -h | --help)
    cat <<'END'
Usage: tools/demo.sh

Installs the packages that are missing, builds agdb (build/release), and takes a real Claude Code
session through it: executed again call by call, stepped through, compared, forked. Every command
is shown before it runs. The recordings go into a folder of their own, which is named at the end.
END
    exit 0 ;;
  *) echo "tools/demo.sh takes no arguments; see --help" >&2; exit 2 ;;
esac

# quoted ARGUMENT...: the arguments as a person would type them.
quoted() {
  local argument
  for argument in "$@"; do
    [[ $argument =~ ^[[:alnum:]_./@=-]+$ ]] || argument="'$argument'"
    printf ' %s' "$argument"
  done
}

# try ARGUMENT...: shows the command and runs it.
try() {
  printf '\n$ agdb%s\n' "$(quoted "$@")"
  agdb "$@" </dev/null
}

started=$SECONDS
cd "$agdb_root"
tools/setup.sh
say "build (build/release)"
build release agdb
built=$SECONDS

PATH=$agdb_root/build/release:$PATH
AGDB_RECORDS=$(mktemp -d "${TMPDIR:-/tmp}/agdb-demo.XXXXXX")
PAGER='cat'
export PATH AGDB_RECORDS PAGER

# A lead agent hands a web search to a sub-agent. The sub-agent has decided to search at its event 15
# and has read what was found at 21.
session=fixtures/sessions/claude-code/happy-task-inline-sidechain.jsonl

say "A real session becomes a recording, and is executed again: each call as a line, recorded"
try import "$session" --run --strace

say "Two agents ran; each has a recording"
try record info @
agent=$(agdb record info @ | awk '/ pid 2 / { print $1 }')

say "Step through the sub-agent's, forwards and backwards"
try replay "$agent" -c 'goto 16' -c next -c next -c prev

say "What did the model know when it decided to search? And when it had the answer?"
try show "$agent" 15
try fork "$agent" --at 21

say "What changed in between?"
try diff "$agent" 15 21

say "What if the search had found nothing? Edit that message, fork there, and let it run on"
try fork "$agent" --at 21 --replace 'Web search results: none.' --run --strace

say "The fork is a recording like any other"
try record list
try verify @

cat <<END

Set-up and build took $((built - started)) s. The recordings are in $AGDB_RECORDS. Go on with:
  export PATH=$agdb_root/build/release:\$PATH AGDB_RECORDS=$AGDB_RECORDS
  agdb replay @
END

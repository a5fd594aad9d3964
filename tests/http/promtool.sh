#!/usr/bin/env bash
# promtool.sh AGDB: what Prometheus' own checker says of /metrics and of `agdb runs export`. It comes
# from Debian's package, unpacked and not installed: that would start a service.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
agdb=$(realpath "$1")
work=$(mktemp -d)
cleanup() {
  AGDB_SOCKET=$work/socket/agdb.sock "$agdb" shutdown >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

promtool=$(command -v promtool || true)
if [[ -z $promtool ]]; then
  unpacked=$root/build/prometheus
  promtool=$unpacked/usr/bin/promtool
  if [[ ! -x $promtool ]]; then
    (cd "$work" && apt-get download prometheus >/dev/null 2>&1 && dpkg -x prometheus_*.deb "$unpacked")
  fi
fi

cd "$work"
mkdir -m 700 socket
export AGDB_SOCKET=$work/socket/agdb.sock AGDB_RECORDS=$work/records
# A success and a failure.
for script in hello budget; do
  "$agdb" run "$root/fixtures/scripts/$script.json" --record >/dev/null 2>&1 || true
done
"$agdb" serve --detach --http 127.0.0.1:0 2>/dev/null
address=$("$agdb" status | awk '$1 == "http" { print $2 }')
python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode())' \
  "http://$address/metrics" >metrics.txt
"$agdb" runs export --format prometheus >exported.txt

failed=0
for text in metrics.txt exported.txt; do
  printf '%s: %s samples\n' "$text" "$(grep -c '^[^#]' "$text")"
  "$promtool" check metrics <"$text" || failed=$((failed + 1))
done
printf '%d passed, %d failed\n' $((2 - failed)) "$failed"
[[ $failed -eq 0 ]]

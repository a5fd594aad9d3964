#!/usr/bin/env python3
"""Imports every session below a folder, exports each run as a Perfetto file, and checks each file.

    sessions.py AGDB DATA

Prints totals; exit code 3 when the checker found anything, 1 when a command failed.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import check_trace

FORMATS = ("claude-code", "openai-chat")


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, check=False)


def main(agdb, data):
    totals = collections.Counter()
    found, failed = 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        records = pathlib.Path(temporary) / "records"
        for name in FORMATS:
            done = run(agdb, "import", pathlib.Path(data) / name, "--records", records)
            print(name, done.stdout.decode().strip().splitlines()[-1:] or done.stderr.decode().strip()[-200:])
        listed = run(agdb, "record", "list", "--json", "--records", records).stdout.decode().splitlines()
        seen = set()
        for line in listed:
            metadata = json.loads(line)
            if metadata["run_id"] in seen:
                continue
            seen.add(metadata["run_id"])
            done = run(agdb, "export", metadata["record_id"], "--format", "perfetto", "--records", records)
            totals["runs"] += 1
            if done.returncode != 0:
                failed += 1
                print(f"{metadata['record_id']}: {done.stderr.decode().strip()}")
                continue
            findings, counts = check_trace.check(done.stdout)
            totals["bytes"] += len(done.stdout)
            totals.update(counts)
            found += len(findings)
            for rule, index, text in findings[:5]:
                print(f"{metadata['record_id']} ({metadata['source']['name']}): {rule}: {index}: {text}")
    print(", ".join(f"{key} {count}" for key, count in sorted(totals.items())))
    print(f"{found} findings, {failed} failed")
    return 3 if found else 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

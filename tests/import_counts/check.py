#!/usr/bin/env python3
"""Holds what `agdb import` finds in the given sessions against expected*.jsonl.

One line for each file that differs, then "N passed, N failed".
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

EXPECTED = ("expected.jsonl", "expected_spans.jsonl")
COUNTS = (
    "model_calls",
    "tool_calls",
    "tool_errors",
    "compactions",
    "request_tokens",
    "response_tokens",
)


def expected_lines():
    folder = pathlib.Path(__file__).resolve().parent
    for name in EXPECTED:
        yield from map(json.loads, (folder / name).read_text().splitlines())


def expected_counts(line):
    if "total" in line:
        return line["total"] | {"runs": line["runs"]}
    counts = {key: line["root"][key] + line["children"][key] for key in COUNTS}
    return counts | {"runs": line["runs"], "processes": line["processes"]}


def imported_counts(agdb, file):
    """The counts of all runs in the file, or the reason why there are none."""
    with tempfile.TemporaryDirectory() as records:
        command = [agdb, "import", "--json", "--records", records, file]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.strip()}"
    runs = json.loads(done.stdout)["runs"]
    counts = {key: sum(run[key] for run in runs) for key in COUNTS + ("processes",)}
    return counts | {"runs": len(runs)}


def difference(expected, found):
    """What is wrong, as text; '' when nothing is."""
    if isinstance(found, str):
        return found
    wrong = (key for key in expected if expected[key] != found[key])
    return ", ".join(f"{key} {found[key]} instead of {expected[key]}" for key in wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("agdb", help="the program")
    parser.add_argument("data", type=pathlib.Path, help="the folder that holds the sessions")
    options = parser.parse_args()

    passed = failed = 0
    for line in expected_lines():
        found = imported_counts(options.agdb, options.data / line["file"])
        wrong = difference(expected_counts(line), found)
        if wrong:
            failed += 1
            print(f"{line['file']}: {wrong}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

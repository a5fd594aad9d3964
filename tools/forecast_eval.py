#!/usr/bin/env python3
"""Measures the budget forecast on real sessions.

Usage: forecast_eval.py AGDB FILE_OR_FOLDER...

Imports each session log and takes every process with at least 12 model calls whose tokens the provider
reported. Its budget is what it spent in all; half-way it is asked how many more calls fit. Prints for each
the true number, the forecast with its range, the reference's linear figure and the errors relative to the
truth; last the median and the 80th percentile. Exit code 1 when the goal is missed: median over 10 % or
80th percentile over 20 %.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

FEWEST_CALLS = 12


def agdb(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def calls_of(folder):
    """(seq_num, tokens) of each model call of a recording that reported tokens."""
    calls = []
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["type"] != "llm_response":
            continue
        tokens = event["llm"]["request_tokens"] + event["llm"]["response_tokens"]
        if tokens > 0:
            calls.append((event["seq_num"], tokens))
    return calls


def measure(program, folder):
    calls = calls_of(folder)
    if len(calls) < FEWEST_CALLS:
        return None
    half = len(calls) // 2
    budget = sum(tokens for _, tokens in calls)
    answer = agdb(program, "ctx", "growth", str(folder), "--at", str(calls[half - 1][0]), "--budget", str(budget),
                  "--json")
    growth = json.loads(answer)
    true = len(calls) - half
    forecast = growth["forecast"]
    return {"true": true, "calls": forecast["calls"], "low": forecast["low"], "high": forecast["high"],
            "linear": growth["est_remaining"], "error": abs(forecast["calls"] - true) / true,
            "linear_error": abs(growth["est_remaining"] - true) / true}


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def main(program, paths):
    results = []
    for path in paths:
        with tempfile.TemporaryDirectory() as records:
            agdb(program, "import", "--records", records, path)
            for folder in sorted(pathlib.Path(records).iterdir()):
                found = measure(program, folder)
                if found is None:
                    continue
                source = json.loads((folder / "metadata.json").read_text())["source"]["name"]
                results.append(found)
                print(f"{source[:44]:<44} pid {folder.name.split('-')[0]:<4} true {found['true']:>4}  "
                      f"forecast {found['calls']:>4} ({found['low']:>3} to {found['high']:>3})  "
                      f"error {found['error']:6.1%}   linear {found['linear']:>4}  error {found['linear_error']:6.1%}")
    if not results:
        sys.exit("no session with enough calls")
    errors = [r["error"] for r in results]
    linear = [r["linear_error"] for r in results]
    inside = sum(r["low"] <= r["true"] <= r["high"] for r in results)
    median, high = percentile(errors, 50), percentile(errors, 80)
    print(f"{len(results)} processes: median error {median:.1%}, 80th percentile {high:.1%}; within the range "
          f"{inside}; linear: median {percentile(linear, 50):.1%}, 80th percentile {percentile(linear, 80):.1%}")
    return 0 if median <= 0.10 and high <= 0.20 else 1


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))

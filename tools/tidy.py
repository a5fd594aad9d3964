#!/usr/bin/env python3
"""Runs clang-tidy on the sources that changed, the newest change first."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"


def git(*arguments):
    """The lines that git prints; none where it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def default_base():
    """Where the branch left its upstream; 20 commits back if it is ahead of nothing (a clone)."""
    head = git("rev-parse", "HEAD")
    fork = git("merge-base", "HEAD", "@{upstream}")
    if fork and fork != head:
        return fork[0]
    return git("rev-list", "--first-parent", "--max-count=21", "HEAD")[-1]


def changed_sources(base, compiled):
    """The compiled files that changed, each once; a header stands for the source of its name."""
    changed = git("diff", "--name-only", "HEAD") + git(
        "log", "--format=", "--name-only", f"{base}..HEAD"
    )
    sources = (
        os.path.splitext(name)[0] + ".cc" for name in changed if name.endswith((".h", ".cc"))
    )
    return [name for name in dict.fromkeys(sources) if str(ROOT / name) in compiled]


def tidy(name, deadline):
    """The findings in one file: '' = clean, None = not looked at, because time is up."""
    if time.monotonic() > deadline:
        return None
    # The build's flags are g++'s: what clang warns of under them is not asked here.
    command = [
        "clang-tidy-19",
        "-p",
        BUILD,
        "--quiet",
        "--extra-arg=-Wno-error",
        name,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout or done.stderr


def main():
    parser = argparse.ArgumentParser(
        description=__doc__ + " Needs build/release, configured.",
        epilog="Example: tools/tidy.py HEAD~3",
    )
    parser.add_argument(
        "base",
        nargs="?",
        help="changes since this commit (default: the merge base with upstream, or HEAD~20)",
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=270,
        help="begin no further file after so long (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="files at once (default: %(default)s)"
    )
    options = parser.parse_args()

    try:
        compiled = {
            entry["file"] for entry in json.loads((BUILD / "compile_commands.json").read_text())
        }
    except OSError as error:
        sys.exit(f"tidy: {error}; run: cmake --preset release")
    base = options.base or default_base()
    sources = changed_sources(base, compiled)
    deadline = time.monotonic() + options.seconds
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        findings = dict(zip(sources, pool.map(lambda name: tidy(name, deadline), sources)))

    left_out = [name for name, text in findings.items() if text is None]
    dirty = [name for name, text in findings.items() if text]
    for name in dirty:
        print(findings[name])
    print(f"tidy: of {len(sources)} sources changed since {base[:12]}, {len(dirty)} have findings")
    if left_out:
        print(f"tidy: no time for {len(left_out)} of them: {' '.join(left_out)}")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())

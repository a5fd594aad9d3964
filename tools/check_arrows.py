#!/usr/bin/env python3
"""Checks who includes whom, that heavy headers stay out of headers, and that each folder says what
it is for.

The order is that of README.md: runtime/events, runtime/kernel, debug, ipc, tools; a piece includes
only from pieces before it. CMake's libraries link along the same arrows, but an #include needs no
link to compile.
"""

import argparse
import pathlib
import re
import sys

TOP = ("runtime", "debug", "ipc", "tools", "tests", "fixtures")
ROOM_OWNERS = ("runtime", "debug", "ipc")
SOURCES = (".h", ".hh", ".hpp", ".hxx", ".ipp", ".inc", ".c", ".cc", ".cpp", ".cxx")
HEADERS = (".h", ".hh", ".hpp", ".hxx", ".ipp", ".inc")

# What a folder's files may include beside their own folder. A room of debug/ without a line: ROOM.
ROOM = ("runtime/events",)
MAY_INCLUDE = {
    "runtime/events": (),
    "runtime/kernel": ("runtime/events",),
    "debug/record": ROOM,
    "debug/replay": ROOM + ("debug/record", "debug/strace", "debug/context"),
    "debug/import": ROOM + ("debug/record",),
    "debug/store": ROOM + ("debug/secrets",),
    "debug/runs": ROOM + ("debug/record", "debug/strace", "debug/store"),
    "debug/secrets": ROOM,
    "debug/trace": ROOM + ("debug/record", "debug/secrets"),
    "ipc/wire": ("runtime/events/result.h", "runtime/events/json.h"),
    "ipc/otlp": (
        "runtime/events/result.h",
        "runtime/events/json.h",
        "runtime/events/clock.h",
        "runtime/events/text.h",
    ),
    "ipc/http": (
        "runtime/events/result.h",
        "runtime/events/json.h",
        "runtime/events/clock.h",
        "runtime/events/text.h",
    ),
    "ipc/api": ("runtime", "debug", "ipc/wire", "ipc/daemon", "ipc/http"),
    "ipc/ingest": ("runtime/events", "debug", "ipc/http", "ipc/otlp/gzip.h"),
    "ipc/daemon": ("runtime", "debug", "ipc/wire"),
    "ipc/client": ("runtime", "debug", "ipc/wire"),
    "tools": ("runtime", "debug", "ipc"),
    "tests": ("runtime", "debug", "ipc", "tools"),
}

# Headers that make everything that includes them slow to compile: for .cc files only.
HEAVY = (
    "nlohmann/",
    "simdjson",
    "boost/",
    "fmt/",
    "re2/",
    "CLI/",
    "sqlite3.h",
    "openssl/",
    "histedit.h",
    "editline/",
)

INCLUDE = re.compile(r"^\s*#\s*include\s*(?:\"([^\"]*)\"|<([^>]*)>|(\S.*))", re.MULTILINE)


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def folder_of(path):
    """The folder whose rule holds for a file, or None where no rule knows the place."""
    parts = path.split("/")
    if parts[0] in ("tools", "tests"):
        return parts[0]
    room = "/".join(parts[:2])
    return room if len(parts) > 2 and (room in MAY_INCLUDE or parts[0] == "debug") else None


def why_not(path, quoted, angled, computed):
    """What is wrong with one #include of the file at `path`, or None."""
    if computed:
        return "an #include by macro cannot be checked; write the name"
    target = angled if quoted is None else quoted
    if ".." in target.split("/"):
        return f'"{target}" climbs out of its folder; write the path from the project\'s root'
    if target.split("/")[0] not in TOP:
        # A test may include everything, its neighbour by name alone too.
        if quoted is not None and folder_of(path) != "tests":
            return f'"{target}" is no path from the project\'s root; write it so'
        if path.endswith(HEADERS) and target.startswith(HEAVY):
            return f"<{target}> is heavy and belongs in a .cc file"
        return None
    folder = folder_of(path)
    allowed = (folder,) + MAY_INCLUDE.get(folder, ROOM)
    if any(within(target, other) for other in allowed):
        return None
    return f'"{target}" is not for {folder}, which may include {", ".join(allowed)}'


def violations_of(path, text):
    if folder_of(path) is None:
        yield f"{path}: no rule says what a file in this place may include"
        return
    for match in INCLUDE.finditer(text):
        reason = why_not(path, *match.groups())
        if reason:
            line = text.count("\n", 0, match.end()) + 1
            yield f"{path}:{line}: {reason}"


def missing_readmes(root):
    folders = [root / name for name in TOP]
    for name in ROOM_OWNERS:
        folders += sorted(entry for entry in (root / name).glob("*") if entry.is_dir())
    for folder in folders:
        if folder.is_dir() and not (folder / "README.md").is_file():
            yield f"{folder.relative_to(root)}/: has no README.md (its idea, what must never enter)"


def check(root):
    """All violations in the tree at `root`, as lines of text, and the number of source files."""
    violations = []
    count = 0
    for top in TOP:
        for file in sorted((root / top).rglob("*")):
            if file.suffix in SOURCES and file.is_file():
                count += 1
                path = file.relative_to(root).as_posix()
                violations += violations_of(path, file.read_text(errors="replace"))
    violations += missing_readmes(root)
    return violations, count


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "root",
        nargs="?",
        type=pathlib.Path,
        default=pathlib.Path(__file__).resolve().parent.parent,
        help="the tree to check (default: this project)",
    )
    violations, count = check(parser.parse_args().root)
    for violation in violations:
        print(violation)
    print(f"arrows: {count} source files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())

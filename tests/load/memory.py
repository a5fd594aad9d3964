#!/usr/bin/env python3
"""Makes a recording of many events and says how much memory the commands that read it take.

    tests/load/memory.py build/release/agdb --events 10000000

A script's recording is written again and again, numbered on, with the right hashes, so that `verify`
has nothing to say. For each command: seconds, the most anonymous memory that was seen (sampled every
millisecond), and the system's own peak, which counts the program and its libraries too. It takes about
230 bytes an event below $TMPDIR, and they are gone afterwards. Exit code 3 when a command took more
than it may.
"""

import argparse
import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

LIMIT_MB = 64
BLOCK_BYTES = 64 << 10
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "fixtures/scripts/alternatives.json"


class Hasher:
    """XXH3-128 of libxxhash, which agdb is linked with as well."""

    def __init__(self):
        self.library = ctypes.CDLL("libxxhash.so.0")
        self.library.XXH3_createState.restype = ctypes.c_void_p
        self.library.XXH3_64bits.restype = ctypes.c_uint64
        self.state = ctypes.c_void_p(self.library.XXH3_createState())
        self.library.XXH3_128bits_reset(self.state)

    def update(self, data):
        self.library.XXH3_128bits_update(self.state, data, ctypes.c_size_t(len(data)))

    def block_sum(self, data):
        return self.library.XXH3_64bits(data, ctypes.c_size_t(len(data))).to_bytes(8, "little")

    def hex(self):
        class Digest(ctypes.Structure):
            _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]

        self.library.XXH3_128bits_digest.restype = Digest
        digest = self.library.XXH3_128bits_digest(self.state)
        return f"{digest.high:016x}{digest.low:016x}"


class Repeated:
    """The lines of a recording, any number of times, numbered on."""

    def __init__(self, lines):
        self.count = len(lines)
        # Text and numbers by turns: those that grow with each repetition.
        self.parts = []
        for line in lines:
            begin = 0
            for found in re.finditer(r'(?:^\{"seq_num":|"n":|"kind":"delta","ctx_id":\d+,"base":)(\d+)', line):
                self.parts.append((line[begin:found.start(1)], int(found.group(1))))
                begin = found.end(1)
            self.parts.append((line[begin:], None))

    def text(self, repetition):
        add = repetition * self.count
        return "".join(text if number is None else f"{text}{number + add}" for text, number in self.parts).encode()


def make_recording(program, folder, events):
    subprocess.run([program, "run", str(SCRIPT), "--record", "--records", str(folder)], check=True, capture_output=True)
    record = next(folder.glob("*/metadata.json")).parent
    with open(record / "events.jsonl", encoding="utf-8") as file:
        repeated = Repeated(list(file))
    text_hash, sums_hash = Hasher(), Hasher()
    count, waiting = 0, b""
    with open(record / "events.jsonl", "wb") as text, open(record / "events.sum", "wb") as sums:
        while count < events:
            piece = repeated.text(count // repeated.count)
            count += repeated.count
            text.write(piece)
            text_hash.update(piece)
            waiting += piece
            while len(waiting) >= BLOCK_BYTES or (count >= events and waiting):
                block_sum = text_hash.block_sum(waiting[:BLOCK_BYTES])
                waiting = waiting[BLOCK_BYTES:]
                sums.write(block_sum)
                sums_hash.update(block_sum)
    metadata = json.loads((record / "metadata.json").read_text())
    metadata.update(event_count=count, content_hash=text_hash.hex(), sums_hash=sums_hash.hex())
    (record / "metadata.json").write_text(json.dumps(metadata))
    (record / "events.idx").unlink(missing_ok=True)
    return record, count


def anonymous_mb(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^RssAnon:\s+(\d+)", status, re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0


def measure(command):
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()))
    reader.start()
    peak = 0
    while True:
        peak = max(peak, anonymous_mb(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            break
        time.sleep(0.001)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if process.returncode != 0:
        sys.exit(f"memory: {' '.join(map(str, command))}: exit code {process.returncode}: {said[0].decode()}")
    return time.monotonic() - began, peak, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--events", type=int, default=10_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agdb-memory-") as folder:
        record, count = make_recording(arguments.program, pathlib.Path(folder), arguments.events)
        size = (record / "events.jsonl").stat().st_size
        print(f"{count} events, {size / 1e9:.2f} GB of text")
        middle, late = str(count // 2), str(count - 10)
        commands = {
            "open, making the index": ["record", "info"],
            "open": ["record", "info"],
            "show one event": ["show", middle],
            "goto": ["replay", "-c", f"goto {late}", "-c", f"goto {middle}"],
            "diff": ["diff", middle, late],
            "fork": ["fork", "--at", late, "--json"],
            "verify": ["verify"],
        }
        good = True
        print(f"{'':<24}{'seconds':>9}{'RssAnon, MiB':>14}{'peak RSS, MiB':>15}")
        for what, words in commands.items():
            verb = 2 if words[0] == "record" else 1
            command = [arguments.program, *words[:verb], str(record), *words[verb:]]
            seconds, anonymous, resident = measure(command)
            good = good and anonymous <= LIMIT_MB
            print(f"{what:<24}{seconds:>9.2f}{anonymous:>14.1f}{resident:>15.1f}", flush=True)
    return 0 if good else 3


if __name__ == "__main__":
    sys.exit(main())

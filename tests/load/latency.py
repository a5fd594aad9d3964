#!/usr/bin/env python3
"""How long it takes from a call of an agent to the line of it that `agdb strace` has written.

    tests/load/latency.py build/release/agdb --calls 3000 --others 0

The agent is a connection of another process; each of its calls carries when it was sent. `agdb strace` is a
process of its own, and whoever reads its stdout notes when a line came. --others N agents report 100 calls a
second each meanwhile. Exit code 3 when the goal is missed: median 5 ms, p99 15 ms.
"""

import argparse
import itertools
import multiprocessing
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from daemon import Daemon, Peer, line

GOALS_MS = ((50, 5.0), (99, 15.0))


def send(path, calls, pids, attached):
    """Calls at random moments, a hundredth of a second apart on average."""
    peer = Peer(path)
    pid = peer.ask("agent.register", intent="be timed")["pid"]
    pids.put(pid)
    attached.get()
    chance = random.Random(1)
    for _ in range(calls):
        time.sleep(chance.uniform(0, 0.02))
        peer.socket.sendall(line("agent.call", {"pid": pid, "name": "Tick", "args": {"sent": time.monotonic_ns()}}))
    peer.ask("agent.close", pid=pid)


def disturb(path, agents, ready):
    """So many agents with 100 calls a second each, each ten at a time, a tenth of them at once, until it is ended."""
    peers = [Peer(path) for _ in range(agents)]
    blobs = []
    for peer in peers:
        pid = peer.ask("agent.register", intent="disturb")["pid"]
        blobs.append(line("agent.call", {"pid": pid, "name": "ReadFile", "args": {"text": "x" * 250}}) * 10)
    ready.put(True)
    due = time.monotonic()
    for tick in itertools.count():
        for peer, blob in list(zip(peers, blobs))[tick % 10::10]:
            peer.socket.sendall(blob)
        due += 0.01
        time.sleep(max(0, due - time.monotonic()))


def measure(options, folder):
    daemon = Daemon(options.agdb, folder)
    others = None
    if options.others:
        ready = multiprocessing.Queue()
        others = multiprocessing.Process(target=disturb, args=(daemon.socket, options.others, ready), daemon=True)
        others.start()
        ready.get()
    pids, attached = multiprocessing.Queue(), multiprocessing.Queue()
    agent = multiprocessing.Process(target=send, args=(daemon.socket, options.calls, pids, attached))
    agent.start()
    view = subprocess.Popen([options.agdb, "strace", str(pids.get()), "-s", "40", "--socket", daemon.socket],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    view.stderr.readline()  # "attached to pid …"
    attached.put(True)
    times = read(view.stdout)
    agent.join()
    view.wait()
    if others:
        others.terminate()
    daemon.end()
    return times


def read(pipe):
    """Milliseconds from each call to its line."""
    times, rest = [], b""
    while piece := pipe.read(1 << 16):
        now = time.monotonic_ns()
        *lines, rest = (rest + piece).split(b"\n")
        for text in lines:
            if found := re.search(rb"Tick\(sent=(\d+)\)", text):
                times.append((now - int(found.group(1))) / 1e6)
    return sorted(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agdb", help="the program")
    parser.add_argument("--calls", type=int, default=3000, help="default 3000")
    parser.add_argument("--others", type=int, default=0, help="default 0")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-latency-"))
    try:
        times = measure(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if len(times) != options.calls:
        sys.exit(f"latency: {len(times)} of {options.calls} calls were seen")
    at = {share: times[len(times) * share // 100] for share, _ in GOALS_MS}
    print(f"call -> line written, {options.others} agents beside: " +
          ", ".join(f"p{share} {at[share]:.2f} ms (<= {goal:g})" for share, goal in GOALS_MS) + f", most {times[-1]:.2f} ms")
    sys.exit(3 if any(at[share] > goal for share, goal in GOALS_MS) else 0)


if __name__ == "__main__":
    main()

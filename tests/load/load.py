#!/usr/bin/env python3
"""Loads a daemon of its own with agents, views and recordings, and says what that cost.

    tests/load/load.py build/release/agdb --agents 1000 --rate 100 --views 20 --recordings 50 --seconds 60
    tests/load/load.py build/release/agdb --inside
    tests/load/load.py build/release/agdb --agents 100 --churn 10000
    tests/load/load.py build/release/agdb --agents 0 --recordings 0 --short 100000

Agents are connections that report calls of about 300 bytes; with --inside they are scripts in the daemon,
on the real clock. Some of the views never read what they are sent, so that they lose. With --churn so many
connections come and go badly meanwhile (unruly.py); with --short so many agents live for a moment. At the
end every recording is verified and counted: none may have lost an event.
Exit code 1 when something is missing or was left behind, 3 when the daemon took more than it may.
"""

import argparse
import json
import pathlib
import selectors
import shutil
import subprocess
import sys
import tempfile
import time

import unruly
from daemon import Daemon, Peer, line

CORE_LIMIT = 1.0
MEMORY_LIMIT_MB = 512
# What a daemon may have more after a second crowd, or a second half, than before it: holes in its heap, which level out.
LEFT_BEHIND_MB = 32


class Agent(Peer):
    """An agent elsewhere: a connection that reports so many calls a tick."""

    def __init__(self, path, number, recorded, per_tick):
        super().__init__(path)
        made = self.ask("agent.register", intent=f"load {number}", record=recorded)
        self.pid, self.record_id = made["pid"], made["record_id"]
        self.blob = line("agent.call", {"pid": self.pid, "name": "ReadFile",
                                        "args": {"path": f"docs/{number}.md", "text": "x" * 200},
                                        "result": {"bytes": 200}, "duration_ns": 1000}) * per_tick
        self.per_tick, self.told = per_tick, 0

    def tick(self):
        self.socket.sendall(self.blob)
        self.told += self.per_tick

    def end(self, _):
        self.ask("agent.close", pid=self.pid)  # answered once all before it was taken

    def missing(self, path):
        calls = sum(1 for text in open(path / "events.jsonl", "rb") if b'"ReadFile"' in text)
        return "" if calls == self.told else f"{calls} of {self.told} calls"


class InsideAgent:
    """An agent in the daemon: a script that loops, compacts its context, and makes so many events a second."""

    CALLS = 7
    EVENTS = 9 + 6 * CALLS  # a step's: what the kernel's README lists

    def __init__(self, peer, number, recorded, rate):
        made = peer.ask("process.spawn", script=self.script(number, rate), record=recorded)
        self.pid, self.record_id = made["pid"], made["record_id"]
        self.told = 0  # events; known at the end

    def script(self, number, rate):
        step = self.EVENTS / rate
        calls = [{"name": "read_file", "arguments": {"path": f"docs/{number}-{i}.md"}, "result": "x" * 200,
                  "latency": f"{step / 2 * (i + 1) / self.CALLS:.4f}s"} for i in range(self.CALLS)]
        turn = {"before": [{"compact": {"keep": 1, "messages": [{"role": "user", "content": "Summary: " + "x" * 200}]}}],
                "text": "Next.", "calls": calls, "latency": f"{step / 2:.4f}s", "next": 1}
        return {"agdb_script": 1, "agents": {"main": {
            "intent": f"load {number}", "max_steps": 1_000_000_000, "turns": [turn],
            "messages": [{"role": "user", "content": "Read the docs."}]}}}

    def tick(self):
        pass

    def end(self, peer):
        peer.ask("process.signal", pid=self.pid, signal="kill")

    def missing(self, path):
        metadata = json.loads((path / "metadata.json").read_text())
        self.told = metadata["event_count"]
        lost = sum(1 for text in open(path / "events.jsonl", "rb") if b'"type":"gap"' in text)
        return f"{lost} gaps" if lost else ""


class View(Peer):
    def __init__(self, path, pids, stalled):
        super().__init__(path)
        self.subscription = self.ask("strace.attach", pids=pids)["subscription"]
        self.stalled, self.bytes = stalled, 0
        self.socket.setblocking(False)

    def take(self):
        try:
            self.bytes += len(self.socket.recv(1 << 18))
        except BlockingIOError:
            pass


def run(options, folder):
    daemon = Daemon(options.agdb, folder)
    asking = Peer(daemon.socket)
    if options.inside:
        agents = [InsideAgent(asking, i, i < options.recordings, options.rate) for i in range(options.agents)]
    else:
        agents = [Agent(daemon.socket, i, i < options.recordings, max(1, options.rate // 10)) for i in range(options.agents)]
    pids = [agent.pid for agent in agents]
    views = [View(daemon.socket, pids[i::options.views] or pids[:1], i < options.stalled)
             for i in range(options.views if pids else 0)]
    rough = unruly.Crowd(daemon.socket, options.churn, options.seed) if options.churn else None
    cpu, began = daemon.cpu_seconds(), time.monotonic()
    late = load(options, agents, views) if pids else 0.0
    elapsed = time.monotonic() - began
    cpu = daemon.cpu_seconds() - cpu
    failures = short_lives(options, daemon) if options.short else []
    if rough:
        failures += rough.finish()
    for agent in agents:
        agent.end(asking)
    if options.churn:
        failures += left_behind(options, daemon)
    status = asking.ask("daemon.status")
    memory, own = daemon.memory_mb("VmHWM"), daemon.memory_mb("RssAnon")
    daemon.end()
    missing = check(options, folder, agents)
    told = events_told(options, agents)
    share = cpu / elapsed if pids else 0.0
    if pids:
        print(f"{len(agents)} agents{' inside' if options.inside else ''}, {len(views)} views ({options.stalled} stalled), "
              f"{options.recordings} recordings: {told} events in {elapsed:.1f} s, {told / elapsed:.0f} a second, "
              f"at most {late:.2f} s late")
        print(f"recordings: {options.recordings - len(missing)} complete, {len(missing)} not; "
              f"views were sent {sum(view.bytes for view in views) / 1e6:.0f} MB")
        print(f"daemon: {share:.2f} of a core, {share * elapsed / max(1, told) * 1e6:.2f} µs an event")
    print(f"daemon: {memory:.0f} MiB at most, {own:.0f} MiB of its own at the end; "
          f"events refused by rings: {status['events']['refused']}")
    for text in (missing + failures)[:10]:
        print(f"  {text}")
    if missing or failures or status["events"]["refused"]:
        return 1
    return 3 if share > CORE_LIMIT or memory > MEMORY_LIMIT_MB else 0


def load(options, agents, views):
    """Ticks ten times a second; how late the latest tick came."""
    selector = selectors.DefaultSelector()
    for view in views:
        if not view.stalled:
            selector.register(view.socket, selectors.EVENT_READ, view)
    began, late = time.monotonic(), 0.0
    for tick in range(options.seconds * 10):
        for number, agent in enumerate(agents):
            agent.tick()
            if number % 50 == 0:
                for key, _ in selector.select(0):
                    key.data.take()
        due = began + (tick + 1) / 10
        late = max(late, time.monotonic() - due)
        while (left := due - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                key.data.take()
    return late


def short_lives(options, daemon):
    """Agents that register, report one call and end: what the daemon keeps of them stays the same."""
    peer = Peer(daemon.socket)
    sizes = []
    for quarter in range(4):
        for number in range(options.short // 4):
            pid = peer.ask("agent.register", intent=f"short {number}")["pid"]
            peer.ask("agent.call", pid=pid, name="ReadFile", args={"path": "a.md"}, result={"bytes": 1})
            peer.ask("agent.close", pid=pid)
        sizes.append(daemon.memory_mb("RssAnon"))
    print(f"{options.short} short lives: " + ", ".join(f"{size:.0f}" for size in sizes) + " MiB after each quarter")
    return [f"{sizes[3]:.0f} MiB in the end, {sizes[1]:.0f} after half"] if sizes[3] > sizes[1] + LEFT_BEHIND_MB else []


def left_behind(options, daemon):
    """A second crowd as large as the first one finds as many descriptors, and adds no memory."""
    files, own = daemon.files(), daemon.memory_mb("RssAnon")
    failures = unruly.Crowd(daemon.socket, options.churn, options.seed + 1).finish()
    files_after, own_after = daemon.files(), daemon.memory_mb("RssAnon")
    print(f"a second crowd: {files} descriptors before, {files_after} after; {own:.0f} MiB before, {own_after:.0f} after")
    if files_after > files:
        failures.append(f"{files_after - files} descriptors were left open")
    if own_after > own + LEFT_BEHIND_MB:
        failures.append(f"{own_after - own:.0f} MiB were left behind")
    return failures


def events_told(options, agents):
    """Of agents in the daemon, those that are recorded stand for all."""
    told = sum(agent.told for agent in agents)
    if options.inside and options.recordings:
        return told * len(agents) // options.recordings
    return told


def check(options, folder, agents):
    """What recordings miss: each has every event of its agent, and verifies."""
    missing = []
    for agent in agents[:options.recordings]:
        path = folder / "records" / agent.record_id
        lacking = agent.missing(path)
        done = subprocess.run([options.agdb, "verify", str(path)], capture_output=True, text=True)
        if lacking or done.returncode != 0:
            missing.append(f"{agent.record_id}: {lacking}; {done.stdout or done.stderr}")
    return missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agdb", help="the program")
    for name, number in (("agents", 1000), ("rate", 100), ("views", 20), ("stalled", 5), ("recordings", 50), ("seconds", 60),
                         ("churn", 0), ("short", 0), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=number, help=f"default {number}")
    parser.add_argument("--inside", action="store_true", help="agents are scripts in the daemon")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-load-"))
    try:
        sys.exit(run(options, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

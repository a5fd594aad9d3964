#!/usr/bin/env python3
"""Loads a daemon of its own with agents, views and recordings, and says what that cost.

    tests/load/load.py build/release/agdb --agents 1000 --rate 100 --views 20 --recordings 50 --seconds 60

Agents are connections that report calls of about 300 bytes; some of the views never read what they are
sent, so that they lose. At the end every recording is verified and counted: none may have lost an event.
Exit code 1 when something is missing, 3 when the daemon took more than it may.
"""

import argparse
import json
import os
import pathlib
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CORE_LIMIT = 1.0
MEMORY_LIMIT_MB = 512


class Daemon:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.socket = str(folder / "agdb.sock")
        self.log = open(folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "serve", "--socket", self.socket, "--records", str(folder / "records"), "--log-level", "warning"],
            stderr=self.log)
        while not os.path.exists(self.socket):
            if self.process.poll() is not None:
                sys.exit(f"load: the daemon did not start: {(folder / 'log').read_text()}")
            time.sleep(0.01)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, key="VmHWM"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
        return 0

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        self.log.close()


class Peer:
    """A connection that asks and is answered, one thing at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.rest = b""

    def ask(self, method, **params):
        self.socket.sendall(line(method, params, id=1))
        while True:
            answer = json.loads(self.read_line())
            if "id" in answer:
                return answer["result"]

    def read_line(self):
        while b"\n" not in self.rest:
            piece = self.socket.recv(1 << 16)
            if not piece:
                raise ConnectionError("the daemon has gone")
            self.rest += piece
        one, self.rest = self.rest.split(b"\n", 1)
        return one


def line(method, params, **more):
    return json.dumps({"jsonrpc": "2.0", **more, "method": method, "params": params}).encode() + b"\n"


class Agent(Peer):
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
    per_tick = max(1, options.rate // 10)
    agents = [Agent(daemon.socket, i, i < options.recordings, per_tick) for i in range(options.agents)]
    views = [View(daemon.socket, [a.pid for a in agents[i::max(1, options.views)]], i < options.stalled)
             for i in range(options.views)]
    selector = selectors.DefaultSelector()
    for view in views:
        if not view.stalled:
            selector.register(view.socket, selectors.EVENT_READ, view)
    cpu, began = daemon.cpu_seconds(), time.monotonic()
    late = 0.0
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
    for agent in agents:  # answered once all before it was taken
        agent.ask("agent.close", pid=agent.pid)
    elapsed = time.monotonic() - began
    cpu = daemon.cpu_seconds() - cpu
    status = Peer(daemon.socket).ask("daemon.status")
    memory, anonymous = daemon.memory_mb(), daemon.memory_mb("RssAnon")
    daemon.end()
    told = sum(agent.told for agent in agents)
    missing = check(options, folder, agents)
    print(f"{len(agents)} agents, {len(views)} views ({options.stalled} stalled), {options.recordings} recordings: "
          f"{told} events in {elapsed:.1f} s, {told / elapsed:.0f} a second, at most {late:.2f} s late")
    print(f"daemon: {cpu / elapsed:.2f} of a core, {cpu / told * 1e6:.2f} µs an event, "
          f"{memory:.0f} MiB at most, {anonymous:.0f} MiB of its own at the end")
    print(f"refused by rings: {status['events']['refused']}; recordings: {options.recordings - len(missing)} complete, "
          f"{len(missing)} not; views were sent {sum(view.bytes for view in views) / 1e6:.0f} MB")
    for text in missing[:5]:
        print(f"  {text}")
    if missing or status["events"]["refused"]:
        return 1
    return 3 if cpu / elapsed > CORE_LIMIT or memory > MEMORY_LIMIT_MB else 0


def check(options, folder, agents):
    """What recordings miss: each has every call of its agent, and verifies."""
    missing = []
    for agent in agents[:options.recordings]:
        path = folder / "records" / agent.record_id
        calls = sum(1 for text in open(path / "events.jsonl", "rb") if b'"ReadFile"' in text)
        done = subprocess.run([options.agdb, "verify", str(path)], capture_output=True, text=True)
        if calls != agent.told or done.returncode != 0:
            missing.append(f"{agent.record_id}: {calls} of {agent.told} calls; {done.stdout or done.stderr}")
    return missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agdb", help="the program")
    for name, number in (("agents", 1000), ("rate", 100), ("views", 20), ("stalled", 5), ("recordings", 50), ("seconds", 60)):
        parser.add_argument(f"--{name}", type=int, default=number, help=f"default {number}")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-load-"))
    try:
        sys.exit(run(options, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Many live clients at once: whether each gets every event, in order, without loss, while agents report.

    python3 tests/load/live_clients.py --agdb build/release/agdb --clients 100 --rate 10000 --seconds 60

One foreign agent reports RATE / CLIENTS events a second, so that all clients together are sent RATE; with
--each-all-events it reports RATE and every client gets all of them. Prints what came, what was lost and the
longest time from a report until the last client had it. Exit code 1: something was lost, or did not come.
"""

import argparse
import json
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Client:
    def __init__(self, port, pid):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        # HTTP/1.0: the body comes as it is, without chunks.
        self.socket.sendall(f"GET /v1/events/stream?pid={pid} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        if b" 200 " not in head:
            raise RuntimeError(head.decode())
        self.rest, self.events, self.lost, self.longest, self.in_order = b"", 0, 0, 0.0, True

    def take(self, now):
        data = self.socket.recv(1 << 20)
        if not data:
            return False
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            if line.startswith(b'data: {"lost"'):
                self.lost += json.loads(line[6:])["lost"]
            elif b'"AtTime"' in line:
                told = json.loads(line[6:])["args"]
                self.in_order = self.in_order and told["n"] == self.events
                self.events += 1
                self.longest = max(self.longest, now - told["at"])
        return True


class Agent:
    """A foreign agent, spoken for line by line."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")
        self.pid = self.call("agent.register", {"intent": "load", "protocol": 1, "client": "load"})["pid"]
        self.sent = 0

    def call(self, method, params):
        self.file.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        self.file.flush()
        return json.loads(self.file.readline())["result"]

    def report(self, count, now):
        lines = []
        for _ in range(count):
            lines.append(json.dumps({"jsonrpc": "2.0", "method": "agent.call", "params": {
                "pid": self.pid, "name": "AtTime", "args": {"n": self.sent, "at": now, "text": "x" * 100}}}))
            self.sent += 1
        self.socket.sendall(("\n".join(lines) + "\n").encode())


def serve(agdb, folder):
    environment = {**os.environ, "AGDB_SOCKET": f"{folder}/s/agdb.sock", "AGDB_RECORDS": f"{folder}/records"}
    subprocess.run([agdb, "serve", "--detach", "--http", "127.0.0.1:0"], env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    told = subprocess.run([agdb, "status", "--json"], env=environment, check=True, capture_output=True)
    status = json.loads(told.stdout)
    return environment["AGDB_SOCKET"], int(status["listeners"]["http"].rpartition(":")[2]), status["os_pid"]


def memory(process):
    text = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def drive(agent, clients, rate, seconds):
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    begun = time.monotonic()
    wanted = int(rate * seconds)
    quiet = begun
    while min(c.events + c.lost for c in clients) < wanted and time.monotonic() - quiet < 20:
        due = min(int((time.monotonic() - begun) * rate) + 1, wanted) - agent.sent
        if due > 0:
            agent.report(due, time.monotonic())
        for key, _ in selector.select(0.01):
            key.data.take(time.monotonic())
            quiet = time.monotonic()
    return time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agdb", required=True)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--each-all-events", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agdb-load-") as folder:
        path, port, daemon = serve(arguments.agdb, folder)
        try:
            agent = Agent(path)
            clients = [Client(port, agent.pid) for _ in range(arguments.clients)]
            rate = arguments.rate if arguments.each_all_events else arguments.rate / arguments.clients
            before = memory(daemon)
            took = drive(agent, clients, rate, arguments.seconds)
            got, lost = sum(c.events for c in clients), sum(c.lost for c in clients)
            print(f"{arguments.clients} clients, {agent.sent} events in {took:.1f} s: {got} delivered "
                  f"({got / took:.0f}/s), {lost} lost, in order: {all(c.in_order for c in clients)}, "
                  f"longest way {max(c.longest for c in clients) * 1000:.0f} ms, "
                  f"daemon {before} -> {memory(daemon)} kB")
            return 0 if lost == 0 and got == agent.sent * arguments.clients else 1
        finally:
            os.kill(daemon, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())

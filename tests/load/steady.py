#!/usr/bin/env python3
"""A daemon's memory while everything that it offers over HTTP is used, for as long as one likes.

    tests/load/steady.py build/release/agdb --minutes 60

All at once: agents that come, work and go, each recorded and then stored as a run; live clients that get
every event of one agent; requests for lists, searches, sums, spans, contexts and exports of what there is
by then; spans of instrumented programs. Prints a line a minute. Exit code 1: an answer was not the one
expected, or live events were lost; 3: the memory in the second half grew by more than a tenth.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time

from live_clients import Agent, Client


def serve(agdb, folder):
    environment = {**os.environ, "AGDB_SOCKET": f"{folder}/s/agdb.sock", "AGDB_RECORDS": f"{folder}/records"}
    subprocess.run([agdb, "serve", "--detach", "--record-all", "--http", "127.0.0.1:0", "--otlp", "127.0.0.1:0"],
                   env=environment, check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run([agdb, "status", "--json"], env=environment, check=True, capture_output=True)
    status = json.loads(told.stdout)
    ports = {name: int(where.rpartition(":")[2]) for name, where in status["listeners"].items()}
    return environment["AGDB_SOCKET"], ports, status["os_pid"]


def anonymous_memory(process):
    """In kB."""
    text = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0])


def processor_time(process):
    """In seconds."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Requests:
    """Every kind of question in turn, about the newest run; counts the answers by status."""

    PATHS = [
        "/v1/traces?limit=50", "/v1/traces/search?q=short", "/v1/traces/stats", "/v1/traces/aggregate",
        "/v1/traces/{id}", "/metrics", "/v1/status", "/v1/processes", "/v1/recordings/{record}",
        "/v1/recordings/{record}/events?limit=100", "/v1/recordings/{record}/export?format=perfetto",
        "/v1/spans/{trace}", "/v1/openapi.json", "/v1/traces/export?format=prometheus",
    ]
    # These go through every recording that there is.
    SELDOM, SELDOM_EACH = ["/v1/recordings", "/v1/spans"], 300

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.answers = collections.Counter()
        self.newest = None
        self.asked = 0

    def get(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        self.answers[f"{answer.status} {path.partition('?')[0] if answer.status >= 400 else ''}".strip()] += 1
        return body

    def one(self):
        if self.asked % self.SELDOM_EACH == 0:
            self.get(self.SELDOM[self.asked // self.SELDOM_EACH % len(self.SELDOM)])
        path = self.PATHS[self.asked % len(self.PATHS)]
        self.asked += 1
        if self.asked % len(self.PATHS) == 1:
            traces = json.loads(self.get("/v1/traces?limit=1"))["traces"]
            self.newest = traces[0] if traces else None
        if "{" in path:
            if not self.newest:
                return
            path = path.format(id=self.newest["id"], record=self.newest["record_id"], trace=self.newest["trace_id"])
        self.get(path)


class Spans:
    """An instrumented program: each time a trace of three spans."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.sent = 0
        self.answers = collections.Counter()

    def send(self):
        self.sent += 1
        now = time.time_ns()
        trace = f"{self.sent:032x}"
        spans = [{"traceId": trace, "spanId": f"{i + 1:016x}", "parentSpanId": "" if i == 0 else f"{1:016x}",
                  "name": "chat" if i else "invoke_agent", "startTimeUnixNano": str(now + i),
                  "endTimeUnixNano": str(now + 1000 + i),
                  "attributes": [{"key": "gen_ai.operation.name",
                                  "value": {"stringValue": "chat" if i else "invoke_agent"}}]} for i in range(3)]
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
        self.connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        self.answers[str(answer.status)] += 1


def short_agent(path, number):
    agent = Agent(path)
    for i in range(5):
        agent.call("agent.tool", {"pid": agent.pid, "name": "ls", "args": {"path": f"docs/{number}"},
                                  "result": "a.md b.md", "duration_ns": 300_000 + i})
    agent.call("agent.close", {"pid": agent.pid})
    agent.socket.close()


def drain(clients):
    for client in clients:
        client.socket.setblocking(False)
        try:
            client.take(time.monotonic())
        except BlockingIOError:
            pass


def drive(arguments, path, ports, daemon):
    agent = Agent(path)
    clients = [Client(ports["http"], agent.pid) for _ in range(arguments.clients)]
    requests, spans, agents = Requests(ports["http"]), Spans(ports["otlp"]), 0
    samples, begun, turn = [], time.monotonic(), 0
    while (passed := time.monotonic() - begun) < arguments.minutes * 60:
        # A turn is a tenth of a second.
        agent.report(arguments.rate // 10, time.monotonic())
        requests.one()
        if turn % 5 == 0:
            short_agent(path, agents)
            agents += 1
        if turn % 10 == 0:
            spans.send()
        drain(clients)
        turn += 1
        if len(samples) <= passed // 60:
            samples.append(anonymous_memory(daemon))
            print(f"{len(samples) - 1:4} min  {samples[-1]:8} kB  {agents} agents, {spans.sent} traces, "
                  f"{requests.asked} requests, {agent.sent} events to each of {len(clients)} clients, "
                  f"{processor_time(daemon):.0f} s of processor time", flush=True)
        time.sleep(max(0.0, begun + turn * 0.1 - time.monotonic()))
    until = time.monotonic() + 20
    while min(c.events + c.lost for c in clients) < agent.sent and time.monotonic() < until:
        drain(clients)
        time.sleep(0.01)
    return agent, clients, requests, spans, samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agdb")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--rate", type=int, default=50, help="events a second, each of which every client gets")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agdb-load-") as folder:
        path, ports, daemon = serve(arguments.agdb, folder)
        try:
            agent, clients, requests, spans, samples = drive(arguments, path, ports, daemon)
            lost = sum(c.lost for c in clients)
            missing = sum(agent.sent - c.events - c.lost for c in clients)
            print(f"{lost} events lost, {missing} missing, in order: {all(c.in_order for c in clients)}; "
                  f"answers {dict(requests.answers)}, to spans {dict(spans.answers)}")
            half = samples[len(samples) // 2:]
            print(f"memory in the second half: {half[0]} -> {half[-1]} kB, at most {max(half)}")
            wrong = [s for s in [*requests.answers, *spans.answers] if not s.startswith("2")]
            if lost or missing or wrong:
                return 1
            return 3 if half[-1] > half[0] * 1.1 else 0
        finally:
            ended = os.pidfd_open(daemon)
            os.kill(daemon, signal.SIGTERM)
            select.select([ended], [], [], 60)


if __name__ == "__main__":
    sys.exit(main())

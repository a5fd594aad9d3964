"""A daemon under test, and a connection to it."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time


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

    def memory_mb(self, key):
        """VmHWM: the most that it ever had; RssAnon: what is its own now."""
        for text in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if text.startswith(key + ":"):
                return int(text.split()[1]) / 1024
        return 0

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

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

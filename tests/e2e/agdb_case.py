"""The vocabulary of the end-to-end tests: run the program, look at what it printed and wrote."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

AGDB = os.environ["AGDB"]
SOURCE = pathlib.Path(os.environ["AGDB_SOURCE"])
FIXTURES = SOURCE / "fixtures"
SCRIPTS = FIXTURES / "scripts"
SESSIONS = FIXTURES / "sessions"
# Real sessions that lie beside a checkout but are too large for it; tests that use them say so.
SHARED_DATA = SOURCE.parent / "shared" / "data"

DONE, FAILED, USAGE, FOUND, AGENT_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class Ran:
    """What a command gave back."""

    def __init__(self, words, code, out, err):
        self.words, self.code, self.out, self.err = words, code, out, err

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return self.out.splitlines()

    def __str__(self):
        return f"agdb {' '.join(map(str, self.words))}\nexit {self.code}\n{self.out}\n{self.err}"


class AgdbCase(unittest.TestCase):
    """Each test has a folder of its own as working folder, with its recordings in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def agdb(self, *words, expect=DONE, input=None, program=AGDB, **more):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "UTC"}
        environment.update(more.pop("environment", {}))
        done = subprocess.run(
            [program, *map(str, words)], cwd=self.folder, input=input, text=True, errors="replace",
            capture_output=True, timeout=300, env=environment, **more)
        ran = Ran(words, done.returncode, done.stdout, done.stderr)
        self.assertEqual(ran.code, expect, str(ran))
        return ran

    def refused(self, *words, naming=(), **more):
        """Fails with exactly one line, which begins with the program's name and names the thing."""
        ran = self.agdb(*words, expect=FAILED, **more)
        lines = [line for line in ran.err.splitlines() if line]
        self.assertEqual(len(lines), 1, str(ran))
        self.assertTrue(lines[0].startswith("agdb: "), str(ran))
        for text in [naming] if isinstance(naming, str) else naming:
            self.assertIn(text, lines[0])
        self.assertEqual(ran.out, "", str(ran))
        return lines[0]

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def record(self, script, *words, expect=DONE):
        """Runs a script, recorded; the id of its root."""
        return self.agdb("run", script, "--record", *words, expect=expect).lines()[0]

    def folder_of(self, record_id):
        return self.folder / ".agdb" / "records" / record_id

    def events(self, record_id):
        text = (self.folder_of(record_id) / "events.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def metadata(self, record_id):
        return json.loads((self.folder_of(record_id) / "metadata.json").read_text())

    def snapshot_hashes(self, record_id):
        return [e["context"]["hash"] for e in self.events(record_id) if e["type"] == "context_snapshot"]

    def context(self, record_id, seq):
        return self.agdb("show", record_id, seq, "--json").json()["context"]

    def seq_of(self, record_id, wanted):
        """The number of the first event that `wanted` accepts."""
        return next(e["seq_num"] for e in self.events(record_id) if wanted(e))


def syscall(name, **args):
    def matches(event):
        call = event.get("syscall", {})
        return call.get("syscall") == name and all(call.get("args", {}).get(k) == v for k, v in args.items())
    return matches


def script(turns, **agent):
    """A script of one agent."""
    return {"agdb_script": 1, "agents": {"main": {"intent": "a task", **agent, "turns": turns}}}


def tool_turn(name="ls", **call):
    return {"text": "", "calls": [{"id": "c1", "name": name, "arguments": {}, **call}]}

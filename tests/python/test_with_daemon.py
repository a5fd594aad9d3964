"""The Python client and its example against a real daemon: $AGDB, or the first argument.

    AGDB=build/release/agdb python3 -m unittest -v test_with_daemon
    python3 test_with_daemon.py build/release/agdb
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

if __name__ == "__main__" and len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
    os.environ["AGDB"] = sys.argv.pop(1)
AGDB = os.path.abspath(os.environ["AGDB"])

from agdb_case import SOURCE, agdb  # noqa: E402

EXAMPLE = SOURCE / "tools" / "python" / "example_agent.py"
SECONDS = 60  # nothing takes so long; a broken test ends at last

# What the example does when nobody interferes.
TURNS, HELPER_TURNS = 9, 2
TOOLS = ["list_files", "read_file", "read_file", "read_file", "ask_helper", "write_file",
         "write_file", "delete_file", "delete_file"]


class Control:
    """A person's connection to the daemon: requests, and the notifications that come between."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.settimeout(SECONDS)
        self.connection.connect(path)
        self.lines = self.connection.makefile("rb")
        self.notifications = []
        self.number = 0

    def close(self):
        self.lines.close()
        self.connection.close()

    def read(self):
        line = self.lines.readline()
        if not line:
            raise AssertionError("the daemon closed the connection")
        return json.loads(line)

    def ask(self, method, **params):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.connection.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self.read()
            if "method" in message:
                self.notifications.append(message)
            else:
                assert message.get("id") == self.number, message
                if "error" in message:
                    raise AssertionError("%s: %s" % (method, message["error"]))
                return message["result"]

    def until(self, condition):
        """Reads notifications until one meets the condition; gives that one."""
        while True:
            message = self.notifications.pop(0) if self.notifications else self.read()
            if condition(message):
                return message


def is_response_of(pid):
    return lambda message: (message["method"] == "strace.event"
                            and message["params"]["event"].get("pid") == pid
                            and "llm" in message["params"]["event"])


def is_exit_of(pid):
    return lambda message: (message["method"] == "strace.exit"
                            and message["params"]["pid"] == pid)


class WithDaemon(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="agdb-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = str(self.folder / "d" / "agdb.sock")
        self.environment = dict(os.environ, AGDB_SOCKET=self.path, HOME=str(self.folder),
                                PYTHONDONTWRITEBYTECODE="1")
        self.log = open(self.folder / "daemon.log", "w+b")
        self.addCleanup(self.log.close)
        self.daemon = subprocess.Popen([AGDB, "serve", "--socket", self.path], cwd=self.folder,
                                       env=self.environment, stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log)
        self.addCleanup(self.end_daemon)
        self.control = Control(self.wait_for_socket())
        self.addCleanup(self.control.close)
        self.example = None
        self.addCleanup(self.end_example)

    def wait_for_socket(self):
        """A daemon has no other way to say that it listens."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.daemon.poll() is None:
            probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                probe.connect(self.path)
                return self.path
            except OSError:
                time.sleep(0.02)
            finally:
                probe.close()
        self.fail("the daemon does not listen\n" + self.log_text())

    def log_text(self):
        self.log.flush()
        return (self.folder / "daemon.log").read_text(errors="replace")

    def end_daemon(self):
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()

    def end_example(self):
        if self.example is not None:
            if self.example.poll() is None:
                self.example.kill()
            self.example.wait()
            self.example.stdout.close()

    def start(self, *words):
        """The example, as its users start it."""
        self.example = subprocess.Popen([sys.executable, str(EXAMPLE), *words], cwd=self.folder,
                                        env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, expect):
        out, _ = self.example.communicate(timeout=SECONDS)
        self.assertEqual(self.example.returncode, expect, out + self.log_text())
        return out

    def processes(self):
        return self.control.ask("process.list", ended=True)["processes"]

    def test_the_example_is_listed_with_its_helper(self):
        self.start("--budget", "90000")
        self.finish(0)
        by_intent = {process["intent"]: process for process in self.processes()}
        main = by_intent["tidy the docs"]
        helper = by_intent["check the links in docs/"]
        for process, turns in ((main, TURNS), (helper, HELPER_TURNS)):
            self.assertTrue(process["foreign"])
            self.assertEqual(process["steps"], turns)
            self.assertEqual(process["model"], "scripted-1")
            self.assertEqual((process["exit_code"], process["exit_reason"]), (0, "completed"))
            self.assertGreater(process["tokens_used"], 0)
        self.assertEqual(main["budget"], 90000)
        self.assertEqual(helper["ppid"], main["pid"])
        self.assertEqual(self.control.ask("daemon.status")["rejected_notifications"], 0)

    def test_the_example_is_seen_live(self):
        self.control.ask("strace.attach", all=True, follow=True)
        self.start("--delay", "0.01")
        self.finish(0)
        pid = next(one["pid"] for one in self.processes() if one["intent"] == "tidy the docs")
        events = []

        def collect(message):
            if message["method"] == "strace.event":
                events.append(message["params"]["event"])
            return is_exit_of(pid)(message)

        self.control.until(collect)
        own = [event for event in events if event["pid"] == pid]
        opened = [event["args"]["path"] for event in own if event.get("syscall") == "Open"]
        self.assertEqual(opened, ["/dev/tool/" + name for name in TOOLS])
        self.assertEqual(len([event for event in own if "llm" in event]), TURNS)
        publish = [event for event in own if event.get("syscall") == "Publish"]
        self.assertEqual([event["result"] for event in publish], [{"published": 3}])
        failed = [event["error"] for event in own if event.get("error")]
        self.assertEqual(failed, ["FileNotFoundError: docs/older.md"])

    def test_the_context_is_known(self):
        self.control.ask("strace.attach", all=True, follow=True)
        self.start("--delay", "0.5")
        event = self.control.until(lambda message: "llm" in message["params"].get("event", {}))
        pid = event["params"]["event"]["pid"]
        context = self.control.ask("process.context", pid=pid)["contexts"][0]
        self.assertEqual(context["system_prompt"], "You tidy documentation.")
        self.assertEqual(context["messages"][0]["content"], "Tidy the docs.")

    def test_terminated_at_its_gate(self):
        self.control.ask("strace.attach", all=True, follow=True)
        self.start("--delay", "0.2")
        event = self.control.until(lambda message: "llm" in message["params"].get("event", {}))
        pid = event["params"]["event"]["pid"]
        self.control.ask("process.signal", pid=pid, signal="terminate")
        self.assertIn("stopped: ", self.finish(1))
        ended = self.control.until(is_exit_of(pid))["params"]
        self.assertEqual(ended["exit_reason"], "terminated")

    def test_paused_and_resumed(self):
        self.control.ask("strace.attach", all=True, follow=True)
        self.start("--delay", "0.2")
        event = self.control.until(lambda message: "llm" in message["params"].get("event", {}))
        pid = event["params"]["event"]["pid"]
        paused = self.control.ask("process.signal", pid=pid, signal="pause")
        self.assertEqual(paused["state"], "suspended")
        self.control.ask("process.signal", pid=pid, signal="resume")
        self.finish(0)
        self.control.until(is_exit_of(pid))

    def test_a_spent_budget_ends_it_at_its_gate(self):
        self.start("--budget", "200")
        self.assertIn("stopped: budget_exceeded", self.finish(1))
        main = self.processes()[0]
        self.assertEqual(main["exit_reason"], "budget_exceeded")

    def test_a_killed_program_is_disconnected(self):
        self.control.ask("strace.attach", all=True, follow=True)
        self.start("--delay", "30")
        event = self.control.until(lambda message: message["method"] == "strace.event")
        pid = event["params"]["event"]["pid"]
        self.example.kill()
        ended = self.control.until(is_exit_of(pid))["params"]
        self.assertEqual(ended["exit_reason"], "disconnected")

    def test_it_is_recorded_from_the_beginning(self):
        self.start("--record")
        self.finish(0)
        main = next(one for one in self.processes() if one["intent"] == "tidy the docs")
        self.assertTrue(main["record_id"])

    def test_shutdown(self):
        self.control.ask("strace.attach", all=True, follow=True)
        self.start("--delay", "0.2")
        self.control.until(lambda message: message["method"] == "strace.event")
        self.control.ask("daemon.shutdown")
        self.assertEqual(self.daemon.wait(SECONDS), 0, self.log_text())
        # The agent goes on alone, or has been told to stop: nothing in it fails.
        out, _ = self.example.communicate(timeout=SECONDS)
        self.assertNotIn("Traceback", out)
        self.assertIn(self.example.returncode, (0, 1), out)

    def test_what_an_agent_tells_is_taken_as_it_is(self):
        self.control.ask("strace.attach", all=True, follow=True)
        before = os.environ.get("AGDB_SOCKET")
        os.environ["AGDB_SOCKET"] = self.path
        try:
            agent = agdb.register("odd things")
        finally:
            if before is None:
                del os.environ["AGDB_SOCKET"]
            else:
                os.environ["AGDB_SOCKET"] = before
        with agent.call("Odd", text="ä😀\0\"\\\n", number=2**63 - 1, long="x" * 300_000) as call:
            call.result = [None, True, -1.5, {"": {}}]
        agent.context([{"role": "user", "content": "a"}], "p")
        agent.context([{"role": "user", "content": "a"},
                       {"role": "assistant", "content": "b"}], "p")
        agent.response("b", request_tokens=1, response_tokens=2)
        agent.close()
        self.assertTrue(agent.flush(SECONDS))
        self.assertEqual((agent.stats().rejected, agent.stats().lost), (0, 0))
        event = self.control.until(
            lambda message: message["params"].get("event", {}).get("syscall") == "Odd")
        args = event["params"]["event"]["args"]
        self.assertEqual(args["text"], "ä😀\0\"\\\n")
        self.assertEqual(args["number"], 2**63 - 1)
        self.assertIn("…[cut: ", args["long"])
        self.assertEqual(event["params"]["event"]["result"], [None, True, -1.5, {"": {}}])


if __name__ == "__main__":
    unittest.main()

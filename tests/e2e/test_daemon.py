"""The daemon as a person uses it: several terminals around one runtime, and agents of other programs."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import unittest

from agdb_case import AGDB, AGENT_FAILED, FAILED, INTERRUPTED, SCRIPTS, USAGE, AgdbCase, script, tool_turn


class DaemonCase(AgdbCase):
    """Each test has a daemon of its own, when it asks for one."""

    def setUp(self):
        super().setUp()
        self.socket = self.folder / "s" / "agdb.sock"
        self.daemon = None

    def agdb(self, *words, **more):
        more.setdefault("environment", {})["AGDB_SOCKET"] = str(self.socket)
        return super().agdb(*words, **more)

    def serve(self, *words):
        self.agdb("serve", "--detach", *words)
        self.daemon = self.agdb("status", "--json").json()["os_pid"]
        self.addCleanup(self.end_daemon)

    def end_daemon(self):
        if self.daemon is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.daemon, signal.SIGKILL)
        self.daemon = None

    def popen(self, *words):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AGDB_SOCKET": str(self.socket)}
        process = subprocess.Popen([AGDB, *map(str, words)], cwd=self.folder, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def spawn(self, turns, *words, **agent):
        path = self.write("agent.json", script(turns, **agent))
        return int(self.agdb("spawn", path, *words).out)

    def idle(self, *words):
        """A process that waits for its first answer until it is ended."""
        return self.spawn([{"text": "done", "latency": "1h"}], *words)

    def numbers(self, *words):
        """Of the events that a view prints as JSON; a process_start has none."""
        events = [json.loads(line) for line in self.agdb(*words).lines()]
        return [event["n"] for event in events if event["n"] > 0]

    def process(self, pid):
        return next(p for p in self.agdb("ps", "--all", "--json").json() if p["pid"] == pid)


SLOW = [tool_turn(result="x", latency="50ms"), {"text": "done", "latency": "50ms", "usage": {"request": 10, "response": 1}}]


class Terminals(DaemonCase):
    def test_a_process_is_watched_from_its_birth_to_its_end(self):
        self.serve()
        pid = self.idle()
        watching = self.popen("strace", "--all", "--json")
        first = json.loads(watching.stdout.readline())  # it is attached now
        self.assertEqual((first["type"], first["pid"]), ("process_start", pid))
        second = self.spawn(SLOW)
        self.agdb("wait", second)
        self.agdb("kill", "-s", "kill", pid)
        self.agdb("wait", pid, expect=AGENT_FAILED)
        self.agdb("shutdown")
        self.daemon = None
        out, _ = watching.communicate(timeout=60)
        events = [json.loads(line) for line in out.splitlines()]
        numbers = [e["n"] for e in events if e["pid"] == second and e["n"] > 0]
        self.assertGreater(len(numbers), 20)
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_what_has_happened_is_shown_first(self):
        self.serve()
        pid = self.spawn(SLOW)
        self.agdb("wait", pid)
        ran = self.agdb("strace", pid, "--last", "200")
        self.assertIn("Open(flags=2, path=\"/dev/tool/ls\")", ran.out)
        self.assertIn(f"pid {pid} ended: completed", ran.err)
        few = self.numbers("strace", pid, "--last", "3", "--json")
        self.assertEqual(len(few), 3)
        self.assertEqual(few, self.numbers("strace", pid, "--last", "200", "--json")[-3:])

    def test_filters_and_summaries(self):
        self.serve()
        pid = self.spawn(SLOW)
        self.agdb("wait", pid)
        only = self.agdb("strace", pid, "--last", "200", "-e", "trace=%tool").lines()
        self.assertEqual([line.split("(")[0].split("] ")[-1] for line in only], ["Open", "Write", "Read", "Close"])
        table = self.agdb("strace", "-c", pid, "--last", "200").out
        self.assertIn("syscall", table.splitlines()[0])
        self.assertIn("total", table.splitlines()[-1])
        self.agdb("strace", pid, "--last", "200", "-o", "out.txt")
        self.assertIn("CtxRead", (self.folder / "out.txt").read_text())
        wrong = self.agdb("strace", pid, "-e", "trace=%nothing", expect=USAGE)
        self.assertIn("%nothing", wrong.err)

    def test_a_failed_tool_is_named_as_in_a_recording(self):
        self.serve()
        pid = self.spawn([tool_turn(error="no such folder"), {"text": "done"}], "--record")
        self.agdb("wait", pid)
        live = self.agdb("strace", pid, "--last", "200", "-e", "status=failed").lines()
        self.assertEqual(len(live), 1)
        self.assertTrue(live[0].endswith("← ls failed"), live)
        shown = self.agdb("show", "@", "-e", "status=failed").lines()
        self.assertEqual([line.split("] ", 2)[-1] for line in shown], [line.split("] ", 2)[-1] for line in live])

    def test_children_are_followed_from_birth(self):
        self.serve()
        pid = int(self.agdb("spawn", SCRIPTS / "research-team.json").out)
        watching = self.popen("strace", "-f", pid, "--last", "256", "--json")
        seen = {}
        for line in watching.stdout:
            event = json.loads(line)
            if "n" in event and event["n"] > 0:
                seen.setdefault(event["pid"], []).append(event["n"])
            if len(seen) == 3:
                break
        for numbers in seen.values():
            self.assertEqual(numbers[0], 1)
        watching.send_signal(signal.SIGINT)
        self.assertEqual(watching.wait(timeout=60), INTERRUPTED)
        # Ctrl-C detaches only.
        self.assertEqual(self.process(pid)["state"], "running")

    def test_pausing_resuming_and_budgets(self):
        self.serve()
        pid = self.idle()
        self.agdb("pause", pid)
        self.assertEqual(self.process(pid)["state"], "suspended")
        self.agdb("resume", pid)
        self.assertEqual(self.process(pid)["state"], "running")
        self.assertIn("no budget", self.agdb("budget", pid).out)
        told = self.agdb("budget", pid, 5000, "--policy", "pause").out
        self.assertIn("0 of 5000 tokens spent (0%), policy pause, running", told)

    def test_an_alert_runs_a_command(self):
        self.serve()
        hook = self.write("hook.sh", "#!/bin/sh\ncat >> alerts.jsonl\n")
        hook.chmod(0o700)
        following = self.popen("alerts", "--follow", "--on-alert", str(hook), "--json")
        pid = self.spawn([{"text": "a", "usage": {"request": 95, "response": 0}}], "--budget", "100")
        self.agdb("wait", pid)
        levels = [json.loads(following.stdout.readline())["alert"]["level"] for _ in range(2)]
        self.assertEqual(levels, ["warning", "critical"])
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=60)
        ran = [json.loads(line) for line in (self.folder / "alerts.jsonl").read_text().splitlines()]
        self.assertEqual(ran[0]["pid"], pid)
        self.assertIn("95 of 100 tokens", self.agdb("alerts").out)

    def test_a_tree_of_processes(self):
        self.serve()
        pid = int(self.agdb("spawn", SCRIPTS / "research-team.json").out)
        watching = self.popen("strace", "-f", pid, "--last", "256", "-e", "trace=Spawn", "--json")
        for line in watching.stdout:
            if json.loads(line)["pid"] == 3:
                break
        forest = self.agdb("ps", "--forest").out
        self.assertIn("└ ", forest)
        self.assertIn("INTENT", forest.splitlines()[0])


class Recordings(DaemonCase):
    def test_a_living_process_is_recorded_from_now_on(self):
        self.serve()
        pid = self.idle()
        record = self.agdb("record", "start", pid).lines()[0]
        self.agdb("record", "start", pid, expect=FAILED)
        self.agdb("pause", pid)
        self.agdb("record", "stop", pid)
        self.agdb("verify", record)
        self.assertIn("State(running → suspended)", self.agdb("show", record).out)
        self.agdb("record", "stop", pid, expect=FAILED)

    def test_a_daemon_killed_in_the_middle_of_twenty_recordings(self):
        self.serve()
        for _ in range(20):
            self.idle("--record")
        # What is in the last one's file is in the others' too.
        following = self.popen("show", "@", "--follow")
        while "Spawn(" not in following.stdout.readline():
            pass
        os.kill(self.daemon, signal.SIGKILL)
        self.daemon = None
        listed = self.agdb("record", "list", "--ids").lines()
        self.assertEqual(len(listed), 20)
        for record in listed:
            self.assertIn("Spawn(", self.agdb("show", record).out)
            self.agdb("verify", record)
        # The socket that it left is no hindrance.
        self.serve()
        self.assertEqual(self.agdb("ps", "--all", "--json").json(), [])

    def stored(self):
        return [json.loads(line) for line in self.agdb("runs", "list", "--json").lines()]

    def test_a_run_that_was_recorded_is_stored_when_it_has_ended(self):
        self.serve()
        pid = self.spawn(SLOW, "--record", intent="tidy up")
        self.agdb("wait", pid)
        for _ in range(10_000):
            counts = self.agdb("status", "--json").json()["runs"]
            if counts["stored"] == 1:
                break
        self.assertEqual(counts, {"stored": 1, "waiting": 0, "not_stored": 0})
        run, = self.stored()
        self.assertEqual((run["flow_name"], run["status"]), ("tidy up", "success"))
        self.assertEqual(run["record_id"], self.agdb("record", "list", "--ids").lines()[0])

    def test_a_tree_is_one_run_and_what_is_not_recorded_none(self):
        self.serve()
        self.agdb("wait", self.spawn(SLOW))
        self.agdb("spawn", SCRIPTS / "research-team.json", "--record")
        self.agdb("shutdown")
        self.daemon = None
        run, = self.stored()
        self.assertEqual(run["record_id"].split("-")[0], "2")

    def test_a_store_that_cannot_be_had_is_counted_and_rebuilt_later(self):
        self.serve()
        store = self.folder / ".agdb" / "store.db"
        store.mkdir(parents=True)
        self.agdb("wait", self.spawn(SLOW, "--record"))
        for _ in range(10_000):
            counts = self.agdb("status", "--json").json()["runs"]
            if counts["not_stored"] == 1:
                break
        self.assertEqual(counts["not_stored"], 1)
        self.assertIn("not stored  1 run", self.agdb("status").out)
        self.agdb("shutdown")
        self.daemon = None
        self.assertIn("not in the store of runs", (self.folder / "s" / "agdb.sock.log").read_text())
        store.rmdir()
        self.agdb("runs", "rebuild")
        self.assertEqual(len(self.stored()), 1)

    def test_a_damaged_store_is_filled_again_while_the_daemon_serves(self):
        self.record(SCRIPTS / "hello.json")
        self.record(SCRIPTS / "hello.json")
        self.write(".agdb/store.db", "this is no store " * 1000)
        self.serve()
        log = self.folder / "s" / "agdb.sock.log"
        for _ in range(10_000):
            self.agdb("status")
            if "filled again" in log.read_text():
                break
        self.assertIn("store.db.corrupt-1", log.read_text())
        self.assertIn("filled again from 2 recorded runs", log.read_text())
        self.assertEqual(len(self.stored()), 2)

    def test_the_runs_of_a_killed_daemon_are_brought_by_rebuild(self):
        self.serve()
        pid = self.idle("--record")
        self.agdb("record", "stop", pid)
        self.agdb("record", "start", pid)
        os.kill(self.daemon, signal.SIGKILL)
        self.daemon = None
        self.assertEqual(self.stored(), [])
        self.agdb("runs", "rebuild")
        run, = self.stored()
        self.assertEqual(run["status"], "partial")

    def test_the_trace_of_a_living_process_is_shown(self):
        self.serve("--trace-all")
        recorded = self.idle("--record")
        tree = self.agdb("trace", "show", recorded, "--json").json()
        self.assertEqual(tree["root"]["kind"], "process")
        # Its first step has ended, the second takes an hour.
        traced = self.spawn([tool_turn(result="x"), {"text": "done", "latency": "1h"}])
        spans = self.folder / ".agdb" / "traces" / self.process(traced)["trace_id"] / "spans.jsonl"
        while not (spans.exists() and '"ls"' in spans.read_text()):
            pass
        self.assertIn("ls", self.agdb("trace", "show", traced).out)
        self.assertIn("ls", self.agdb("export", traced, "--format", "csv").out)
        self.agdb("trace", "show", 99, expect=FAILED)

    def test_a_living_process_is_profiled(self):
        self.serve()
        pid = self.idle()
        self.assertEqual(self.agdb("ctx", "profile", pid, "--json").json()["pid"], pid)
        self.refused("ctx", "growth", pid, naming=[f"process {pid} is not recorded", "agdb record start"])
        self.agdb("record", "start", pid)
        self.agdb("ctx", "growth", pid)

    def test_a_recording_that_cannot_begin_is_said_and_the_process_runs(self):
        records = self.folder / "r"
        self.serve("--records", records)
        if records.exists():
            records.rmdir()
        self.write("r", "no folder")
        path = self.write("agent.json", script([{"text": "done", "latency": "1h"}]))
        ran = self.agdb("spawn", path, "--record", expect=FAILED)
        self.assertEqual(ran.out, "1\n")
        self.assertIn("pid 1 runs, but is not recorded", ran.err)
        self.assertEqual(self.process(1)["state"], "running")
        self.refused("record", "start", 1, naming=str(records))

    def test_the_recordings_of_a_daemon_elsewhere_are_named(self):
        self.serve("--records", self.folder / "elsewhere")
        pid = self.idle()
        self.assertIn("elsewhere", self.agdb("record", "start", pid).err)

    def test_all_are_recorded_when_asked_to(self):
        self.serve("--record-all")
        pid = self.spawn(SLOW)
        self.agdb("wait", pid)
        self.agdb("shutdown")
        self.daemon = None
        self.agdb("verify", "@")
        self.assertEqual(self.metadata(self.agdb("record", "list", "--ids").lines()[0])["status"], "completed")


class Foreign(DaemonCase):
    def setUp(self):
        super().setUp()
        self.serve()
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.connect(str(self.socket))
        self.addCleanup(self.peer.close)
        self.lines = self.peer.makefile("r", encoding="utf-8")
        self.addCleanup(self.lines.close)

    def ask(self, method, **params):
        self.peer.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        return json.loads(self.lines.readline())["result"]

    def test_replay_diff_and_fork_work_on_it(self):
        made = self.ask("agent.register", intent="tidy the docs", model="m-1", record=True)
        pid, record = made["pid"], made["record_id"]
        messages = [{"role": "user", "content": "Tidy the docs."}]
        self.ask("agent.context", pid=pid, system_prompt="Be brief.", messages=messages)
        self.ask("agent.response", pid=pid, request_tokens=100, response_tokens=10, content="Looking.",
                 tool_calls=[{"id": "c1", "name": "ls", "arguments": {}}])
        self.ask("agent.tool", pid=pid, name="ls", args={}, result="a.md")
        messages += [{"role": "assistant", "content": "Looking.", "tool_calls": [{"id": "c1", "name": "ls", "arguments": {}}]},
                     {"role": "tool", "content": "a.md", "tool_call_id": "c1", "name": "ls"}]
        self.ask("agent.context", pid=pid, messages=messages)
        self.ask("agent.close", pid=pid)
        self.agdb("verify", record)
        numbers = [e["seq_num"] for e in self.events(record) if e["type"] == "context_snapshot"]
        self.assertIn("a.md", self.agdb("diff", record, numbers[1], numbers[-1]).out)
        forked = self.agdb("fork", record, "--at", numbers[-1], "--append", "user:And b.md?", "--json").json()
        self.assertEqual(forked[-1]["content"], "And b.md?")
        self.assertEqual(self.process(pid)["exit_reason"], "completed")

    def test_its_run_is_stored(self):
        made = self.ask("agent.register", intent="tidy the docs", model="m-1", record=True)
        self.ask("agent.response", pid=made["pid"], request_tokens=120, response_tokens=7)
        self.ask("agent.close", pid=made["pid"])
        self.agdb("shutdown")
        self.daemon = None
        run = json.loads(self.agdb("runs", "list", "--json").out)
        self.assertEqual(run["record_id"], made["record_id"])
        self.assertEqual((run["flow_name"], run["tokens_input"], run["tokens_output"]), ("tidy the docs", 120, 7))

    def test_the_gate_holds_while_it_is_paused(self):
        pid = self.ask("agent.register", intent="x")["pid"]
        self.agdb("pause", pid)
        self.assertEqual(self.ask("agent.gate", pid=pid, wait=False), {"go": False, "reason": "suspended"})
        self.peer.sendall(json.dumps({"jsonrpc": "2.0", "id": 7, "method": "agent.gate", "params": {"pid": pid}}).encode() + b"\n")
        self.agdb("resume", pid)
        self.assertEqual(json.loads(self.lines.readline()), {"jsonrpc": "2.0", "id": 7, "result": {"go": True}})
        self.agdb("kill", "-s", "kill", pid)
        self.assertEqual(self.ask("agent.gate", pid=pid), {"go": False, "reason": "killed"})

    def test_a_connection_that_breaks_ends_its_agents(self):
        pid = self.ask("agent.register", intent="x")["pid"]
        waiting = self.popen("wait", pid)
        self.lines.close()
        self.peer.close()
        out, _ = waiting.communicate(timeout=60)
        self.assertIn("disconnected", out)


class Refusals(DaemonCase):
    def test_without_a_daemon_the_way_to_one_is_said(self):
        for words in (["ps"], ["status"], ["shutdown"], ["strace", "1"], ["alerts"], ["kill", "1"], ["wait", "1"],
                      ["record", "start", "1"], ["spawn", SCRIPTS / "hello.json"]):
            self.refused(*words, naming=["no daemon at", "agdb serve --detach"])

    def test_unknown_and_dead_processes(self):
        self.serve()
        for words in (["strace", "99"], ["kill", "99"], ["pause", "99"], ["wait", "99"], ["budget", "99"],
                      ["record", "start", "99"], ["record", "stop", "99"]):
            self.refused(*words, naming="no process with pid 99")
        pid = self.spawn([{"text": "done"}])
        self.agdb("wait", pid)
        for words in (["kill", pid], ["pause", pid], ["budget", pid, 5], ["record", "start", pid]):
            self.refused(*words, naming=f"process {pid} has ended")

    def test_one_daemon_a_socket(self):
        self.serve()
        self.refused("serve", naming="serves")
        self.refused("serve", "--detach", naming="serves")

    def test_a_script_that_is_none_names_its_place(self):
        self.serve()
        path = self.write("bad.json", "{\n  \"agdb_script\": 1,\n  \"agents\": 5\n}\n")
        self.refused("spawn", path, naming=["bad.json", "3"])

    def test_a_planted_folder_is_refused(self):
        (self.folder / "real").mkdir()
        (self.folder / "s").symlink_to(self.folder / "real")
        self.refused("serve", naming="is a link")

    def test_a_terminal_is_needed_for_top(self):
        self.serve()
        self.refused("top", naming="terminal")


class Top(DaemonCase):
    def test_the_table_is_drawn_and_q_quits(self):
        import pty
        self.serve()
        self.idle()
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update({"AGDB_SOCKET": str(self.socket), "TERM": "xterm", "LINES": "24", "COLUMNS": "100",
                               "LC_ALL": "C.UTF-8"})
            os.execv(AGDB, [AGDB, "top"])
        shown = b""
        with contextlib.suppress(OSError):
            while b"a task" not in shown:
                shown += os.read(terminal, 65536)
        self.assertIn(b"INTENT", shown)
        os.write(terminal, b"q")
        with contextlib.suppress(OSError):
            while os.read(terminal, 65536):
                pass
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)


if __name__ == "__main__":
    unittest.main()

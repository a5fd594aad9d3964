"""A run for other viewers: what `agdb export` writes, and that viewers can read it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

from agdb_case import (AGDB, AGENT_FAILED, DONE, INTERRUPTED, SCRIPTS, SESSIONS, SOURCE, USAGE, AgdbCase, script,
                       tool_turn)

sys.path.insert(0, str(SOURCE / "tests" / "perfetto"))
import check_trace  # noqa: E402


class Perfetto(AgdbCase):
    def exported(self, record, *words):
        """The events of an export, which has been found to be without fault."""
        data = self.agdb("export", record, "--format", "perfetto", *words).out.encode()
        findings, _ = check_trace.check(data)
        self.assertEqual(findings, [])
        return json.loads(data)["traceEvents"]

    def slices(self, events, name):
        return [e for e in events if e["ph"] == "X" and e["name"] == name]

    def test_each_script_gives_a_file_without_fault(self):
        for path in sorted(SCRIPTS.glob("*.json")):
            with self.subTest(path.name):
                done = subprocess.run([AGDB, "run", str(path), "--record", "--max-steps", "100"], cwd=self.folder,
                                      text=True, capture_output=True, timeout=300)
                events = self.exported(done.stdout.splitlines()[0])
                self.assertTrue(self.slices(events, "API Call"))

    def test_each_session_gives_a_file_without_fault(self):
        for path in sorted(p for p in SESSIONS.rglob("*.json*") if not p.name.endswith(".meta.json")):
            with self.subTest(path.name):
                records = self.folder / path.stem
                self.agdb("import", path, "--records", records)
                if not records.exists():
                    continue
                for folder in sorted(each for each in records.iterdir() if each.is_dir()):
                    self.exported(str(folder) + "/")

    def test_a_team_is_processes_with_flows_between_them(self):
        record = self.record(SCRIPTS / "research-team.json")
        events = self.exported(record)
        names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
        self.assertEqual(set(names), {1, 2, 3})
        self.assertEqual(names[1], "find out why the bridge was closed")
        flows = [e for e in events if e["ph"] == "s"]
        self.assertEqual(sorted({f["name"] for f in flows}), ["message", "spawn", "tool"])
        self.assertEqual(sum(f["name"] == "spawn" for f in flows), 2)
        self.assertEqual(sum(f["name"] == "message" for f in flows), 2)
        call = self.slices(events, "API Call")[0]["args"]
        self.assertEqual(call["prompt_tokens"] > 0 and call["success"], True)
        self.assertEqual(call["output_tokens_per_second"],
                         round(call["output_tokens"] / (call["ttlt_ms"] - call["ttft_ms"]) * 1000, 2))

    def test_a_retried_call_shows_its_attempts(self):
        record = self.record(SCRIPTS / "retry.json", expect=AGENT_FAILED)
        events = self.exported(record)
        self.assertTrue(self.slices(events, "Attempt 1 (retry)"))
        self.assertTrue(self.slices(events, "Request Setup"))
        self.assertTrue(any(e["args"].get("attempt_starts_ms") for e in self.slices(events, "API Call")))

    def test_a_run_is_named_by_its_ids_too(self):
        record = self.record(SCRIPTS / "hello.json")
        whole = self.agdb("export", record, "--format", "perfetto").out
        metadata = self.metadata(record)
        for name in (metadata["run_id"], metadata["trace_id"], str(metadata["pid"]), "@"):
            self.assertEqual(self.agdb("export", name, "--format", "perfetto").out, whole, name)

    def test_a_limit_leaves_out_the_older_half_and_says_so(self):
        record = self.record(SCRIPTS / "research-team.json")
        every = self.exported(record)
        events = self.exported(record, "--limit", "40")
        self.assertLess(len(events), len(every))
        truncated = [e for e in events if e["name"] == "trace_truncated"]
        self.assertEqual(len(truncated), 1)
        self.assertGreater(truncated[0]["args"]["dropped_events"], 0)
        names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
        self.assertEqual(set(names), {1, 2, 3})

    def test_an_interrupted_run_is_marked_incomplete(self):
        record = self.record(SCRIPTS / "hello.json")
        folder = self.folder_of(record)
        lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
        (folder / "events.jsonl").write_text("".join(lines[:len(lines) // 2]))
        metadata = self.metadata(record)
        metadata.update(status="recording", end_time="0001-01-01T00:00:00Z")
        (folder / "metadata.json").write_text(json.dumps(metadata))
        (folder / "events.idx").unlink(missing_ok=True)
        events = self.exported(record)
        ends = [e for e in events if e["ph"] == "E"]
        self.assertEqual([e["args"].get("incomplete") for e in ends], [True])

    def test_damaged_lines_are_counted_and_gone_over(self):
        record = self.record(SCRIPTS / "hello.json")
        path = self.folder_of(record) / "events.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        lines[5] = "{" + lines[5][2:]
        path.write_text("".join(lines))
        (path.parent / "events.idx").unlink(missing_ok=True)
        ran = self.agdb("export", record, "--format", "perfetto")
        self.assertEqual(check_trace.check(ran.out.encode())[0], [])
        self.assertIn("1 line could not be read and is left out", ran.err)


class File(AgdbCase):
    def test_the_file_is_named_and_complete(self):
        record = self.record(SCRIPTS / "hello.json")
        ran = self.agdb("export", record, "--format", "perfetto", "-o", "run.json")
        self.assertEqual(ran.out, "")
        self.assertIn("wrote run.json", ran.err)
        text = (self.folder / "run.json").read_text()
        self.assertEqual(text, self.agdb("export", record, "--format", "perfetto").out)
        self.assertEqual(self.parts("run.json"), ["run.json"])

    def parts(self, name):
        return [p.name for p in self.folder.iterdir() if p.name.startswith(name)]

    def test_the_file_is_for_its_owner_alone(self):
        record = self.record(SCRIPTS / "hello.json")
        self.agdb("export", record, "--format", "csv", "-o", "run.csv")
        self.assertEqual((self.folder / "run.csv").stat().st_mode & 0o777, 0o600)
        # Whatever stood there before.
        (self.folder / "run.csv").chmod(0o644)
        self.agdb("export", record, "--format", "csv", "-o", "run.csv")
        self.assertEqual((self.folder / "run.csv").stat().st_mode & 0o777, 0o600)

    def long_run(self):
        turns = [tool_turn(result="x" * 200)] * 5000 + [{"text": "done"}]
        return self.record(self.write("long.json", script(turns)))

    def export(self, record, file):
        program = subprocess.Popen([AGDB, "export", record, "--format", "perfetto", "-o", file], cwd=self.folder,
                                   stderr=subprocess.PIPE)
        self.addCleanup(lambda: (program.kill(), program.communicate()))
        return program

    def test_an_interrupted_export_ends_a_pipe_early(self):
        record = self.long_run()
        whole = len(self.agdb("export", record, "--format", "perfetto").out)
        self.assertGreater(whole, 2_000_000)
        os.mkfifo(self.folder / "pipe")
        program = self.export(record, "pipe")
        with open(self.folder / "pipe", "rb") as pipe:
            read = len(pipe.readline())
            # It stands there, since nobody reads on.
            program.send_signal(signal.SIGINT)
            read += len(pipe.read())
        self.assertEqual(program.wait(timeout=60), INTERRUPTED)
        self.assertLess(read, whole)

    def test_an_interrupted_export_leaves_no_file(self):
        record = self.long_run()
        program = self.export(record, "run.json")
        while not self.parts("run.json"):
            self.assertIsNone(program.poll())
        program.send_signal(signal.SIGSTOP)
        program.send_signal(signal.SIGINT)
        program.send_signal(signal.SIGCONT)
        self.assertEqual(program.wait(timeout=60), INTERRUPTED)
        self.assertEqual(self.parts("run.json"), [])

    def test_a_full_disk_is_an_error(self):
        record = self.record(SCRIPTS / "hello.json")
        self.refused("export", record, "--format", "perfetto", "-o", "/dev/full", naming="No space left")

    def test_a_reader_that_goes_is_no_error(self):
        record = self.record(SCRIPTS / "loop.json", expect=AGENT_FAILED)
        program = subprocess.Popen([AGDB, "export", record, "--format", "perfetto"], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdout.read(10)
        program.stdout.close()
        self.assertEqual(program.stderr.read(), b"")
        program.stderr.close()
        self.assertEqual(program.wait(timeout=60), DONE)

    def test_refusals(self):
        record = self.record(SCRIPTS / "hello.json")
        self.refused("export", "no-such", "--format", "perfetto", naming="no-such")
        self.refused("export", record, "--format", "perfetto", "-o", self.folder, naming="is a folder")
        self.refused("export", record, "--format", "perfetto", "-o", "no/such/run.json", naming="no/such/run.json")
        self.agdb("export", record, expect=USAGE)
        self.agdb("export", record, "--format", "svg", expect=USAGE)
        self.agdb("export", record, "--format", "perfetto", "--limit", "0", expect=USAGE)


class Kept(AgdbCase):
    """Of traces whose recordings are gone, or never were, there are the spans."""

    def trace(self):
        record = self.record(SCRIPTS / "research-team.json", "--trace")
        trace = self.metadata(record)["trace_id"]
        with_recording = {f: self.agdb("export", trace, "--format", f).out for f in ("csv", "folded", "otlp")}
        shutil.rmtree(self.folder / ".agdb" / "records")
        return trace, with_recording

    def test_every_format_takes_them(self):
        trace, before = self.trace()
        for form in ("csv", "folded"):
            now = self.agdb("export", trace, "--format", form).out
            self.assertEqual(sorted(now.splitlines()), sorted(before[form].splitlines()), form)
        spans = [s for line in self.agdb("export", trace, "--format", "otlp").lines()
                 for r in json.loads(line)["resourceSpans"] for each in r["scopeSpans"] for s in each["spans"]]
        self.assertEqual(len(spans), len(before["csv"].splitlines()) - 1)
        data = self.agdb("export", trace, "--format", "perfetto").out.encode()
        self.assertEqual(check_trace.check(data)[0], [])
        names = {e["args"]["name"] for e in json.loads(data)["traceEvents"] if e["name"] == "process_name"}
        self.assertIn("find out why the bridge was closed", names)

    def test_they_are_shown_and_blamed(self):
        trace, _ = self.trace()
        self.assertIn("find out why the bridge was closed", self.agdb("trace", "show", trace).out)
        self.assertIn("Waiting:", self.agdb("trace", "blame", trace).out)

    def test_a_foreign_trace_without_kinds(self):
        self.write(".agdb/traces/t1/spans.jsonl", json.dumps(
            {"trace_id": "t1", "span_id": "a", "name": "a", "pid": 1, "start_time_ms": 1772964000000,
             "end_time_ms": 1772964001000, "duration_ms": 1000, "syscall_count": 0, "tokens_used": 0, "status": "ok"})
            + "\nno span\n")
        ran = self.agdb("export", "t1", "--format", "csv")
        self.assertEqual(len(ran.lines()), 2)
        self.assertIn("1 line could not be read and is left out", ran.err)
        data = self.agdb("export", "t1", "--format", "perfetto").out.encode()
        self.assertEqual(check_trace.check(data)[0], [])

    def test_their_content_is_not_there(self):
        trace, _ = self.trace()
        self.refused("export", trace, "--format", "otlp", "--content", naming=[trace, "not their content"])


class Secrets(AgdbCase):
    """What leaves is masked, unless a person says --raw."""

    # Put together here: no file of this repository holds what looks like a key.
    KEY = "sk-ant-" + "api03-" + "a1B2c3D4" * 8
    PASSWORD = "hunter" + "22b"

    def setUp(self):
        super().setUp()
        turns = [{"text": f"The key is {self.KEY}.", "latency": "2s",
                  "calls": [{"id": "toolu_01A2b3C4d5E6f7G8h9", "name": "ls",
                             "arguments": {"password": self.PASSWORD}, "result": f"OPENAI_API_KEY={self.KEY}"}]},
                 {"text": "done"}]
        path = self.write("keys.json", script(turns, intent=f"use {self.KEY} well"))
        self.id = self.record(path)

    def test_no_format_lets_a_secret_out(self):
        for words in (["perfetto"], ["otlp"], ["otlp", "--content"], ["folded"], ["csv"]):
            with self.subTest(words):
                ran = self.agdb("export", self.id, "--format", *words)
                self.assertNotIn(self.KEY, ran.out)
                self.assertNotIn(self.PASSWORD, ran.out)
                self.assertIn("use [masked:anthropic_key] well", ran.out)
                self.assertRegex(ran.err, r"masked \(anthropic_key=\d")
                raw = self.agdb("export", self.id, "--format", *words, "--raw")
                self.assertIn(self.KEY, raw.out)
                self.assertNotIn("masked", raw.out + raw.err)

    def test_content_is_masked_where_it_stands_and_ids_stay(self):
        ran = self.agdb("export", self.id, "--format", "otlp", "--content")
        for text in ("The key is [masked:anthropic_key].", "OPENAI_API_KEY=[masked:anthropic_key]",
                     "[masked:password]", "toolu_01A2b3C4d5E6f7G8h9"):
            self.assertIn(text, ran.out)
        for line in ran.out.splitlines():
            json.loads(line)

    def test_the_store_too(self):
        for form in ("jsonl", "csv"):
            ran = self.agdb("runs", "export", "--format", form)
            self.assertIn("use [masked:anthropic_key] well", ran.out)
            self.assertNotIn(self.KEY, ran.out)
            self.assertRegex(ran.err, r"masked \(anthropic_key=\d")
            raw = self.agdb("runs", "export", "--format", form, "--raw")
            self.assertIn(self.KEY, raw.out)
            self.assertEqual(raw.err, "")
        self.agdb("runs", "export", "--format", "csv", "-o", "runs.csv")
        self.assertNotIn(self.KEY, (self.folder / "runs.csv").read_text())

    def test_what_holds_none_is_not_touched(self):
        record = self.record(SCRIPTS / "research-team.json")
        for words in (["perfetto"], ["otlp", "--content"], ["folded"], ["csv"]):
            masked = self.agdb("export", record, "--format", *words)
            self.assertEqual(masked.out, self.agdb("export", record, "--format", *words, "--raw").out)
            self.assertNotIn("masked", masked.err)


if __name__ == "__main__":
    unittest.main()

"""Run, record, look, compare, fork, run on: the main job, on scripts and on a real session."""

import json
import subprocess
import unittest

from agdb_case import (AGDB, AGENT_FAILED, DONE, FOUND, SCRIPTS, SESSIONS, AgdbCase, script, syscall,
                       tool_turn)


class Recording(AgdbCase):
    def test_a_run_is_recorded_from_its_first_call(self):
        record = self.record(SCRIPTS / "hello.json")
        events = self.events(record)
        self.assertEqual([e["seq_num"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual(events[1]["syscall"]["syscall"], "CtxAlloc")
        self.assertEqual(events[-1]["state"]["to_state"], "dead")
        metadata = self.metadata(record)
        self.assertEqual(metadata["status"], "completed")
        self.assertEqual(metadata["exit_reason"], "completed")
        self.assertEqual(metadata["event_count"], len(events))
        self.assertTrue((self.folder_of(record) / "script.json").exists())
        self.agdb("verify", record)

    def test_the_same_script_gives_the_same_bytes(self):
        for name in ("hello", "research-team", "retry", "compaction", "alternatives"):
            texts = []
            for _ in range(2):
                path = SCRIPTS / f"{name}.json"
                root = self.record_any(path)
                texts.append((self.folder_of(root) / "events.jsonl").read_bytes())
            self.assertEqual(texts[0], texts[1], name)

    def record_any(self, path):
        """Like record, whatever becomes of the agent."""
        done = subprocess.run([AGDB, "run", str(path), "--record"], cwd=self.folder, text=True,
                              capture_output=True, timeout=60)
        return done.stdout.splitlines()[0]

    def test_files_are_private(self):
        record = self.record(SCRIPTS / "hello.json")
        folder = self.folder_of(record)
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        for file in folder.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)

    def test_children_have_recordings_of_their_own(self):
        record = self.record(SCRIPTS / "research-team.json")
        listed = [json.loads(line) for line in self.agdb("record", "list", "--all", "--json").lines()]
        self.assertGreaterEqual(len(listed), 3)
        self.assertEqual(len({m["run_id"] for m in listed}), 1)
        for metadata in listed:
            if metadata["record_id"] == record:
                continue
            spawn = self.events(record)[metadata["parent"]["seq_num"] - 1]
            self.assertEqual(spawn["syscall"]["syscall"], "Spawn")
            self.assertEqual(spawn["syscall"]["result"], metadata["pid"])
        tree = self.agdb("record", "info", record).out
        for metadata in listed:
            self.assertIn(metadata["record_id"], tree)

    def test_strace_goes_to_stderr_and_filters_apply(self):
        ran = self.agdb("run", SCRIPTS / "hello.json", "--strace", "-e", "trace=%tool")
        self.assertEqual(ran.out, "")
        calls = [line for line in ran.err.splitlines() if line.startswith("[pid 1]")]
        self.assertEqual([line.split("] ")[2].split("(")[0] for line in calls], ["Open", "Write", "Read", "Close"])

    def test_a_thousand_steps_grow_with_the_text_not_with_its_square(self):
        path = self.write("long.json", script(
            [dict(tool_turn(result="x" * 200), next=1)], max_steps=1000))
        record = self.record(path, expect=AGENT_FAILED)
        written = (self.folder_of(record) / "events.jsonl").stat().st_size
        context, whole = 0, 0
        for event in self.events(record):
            if event["type"] == "context_snapshot":
                context += sum(len(json.dumps(m)) for m in event["context"]["messages"])
                whole += context
        self.assertLess(written * 50, whole)


class Compression(AgdbCase):
    def test_a_compressed_recording_reads_as_before_and_comes_back(self):
        record = self.record(SCRIPTS / "research-team.json")
        folder = self.folder_of(record)
        text = (folder / "events.jsonl").read_bytes()
        before = self.agdb("show", record).out
        said = self.agdb("record", "compress", record).err
        self.assertIn("compressed", said)
        self.assertFalse((folder / "events.jsonl").exists())
        self.assertLess((folder / "events.jsonl.zst").stat().st_size, len(text))
        self.assertEqual(self.agdb("show", record).out, before)
        self.agdb("verify", record)
        self.assertIn("nothing to do", self.agdb("record", "compress", record).err)
        self.agdb("record", "decompress", record)
        self.assertEqual((folder / "events.jsonl").read_bytes(), text)

    def test_an_ended_recording_needs_no_recovery(self):
        record = self.record(SCRIPTS / "hello.json")
        self.assertIn("nothing to recover", self.agdb("record", "recover", record).err)
        [told] = [json.loads(line) for line in self.agdb("record", "recover", record, "--json").lines()]
        self.assertFalse(told["recovered"])


class Budget(AgdbCase):
    def test_the_budget_is_warned_of_and_ends_the_process(self):
        ran = self.agdb("run", SCRIPTS / "budget.json", "--record", expect=AGENT_FAILED)
        record = ran.lines()[0]
        levels = [e["alert"]["level"] for e in self.events(record) if e["type"] == "alert"]
        self.assertEqual(levels, ["warning", "critical", "exceeded"])
        self.assertEqual(self.metadata(record)["exit_reason"], "budget_exceeded")
        self.assertEqual(ran.err.count("warning: pid 1"), 3, ran)

    def test_a_loop_ends_at_its_maximum_of_steps(self):
        ran = self.agdb("run", SCRIPTS / "loop.json", "--max-steps", 30, "--json", expect=AGENT_FAILED)
        self.assertEqual(ran.json()["agents"][0]["exit_reason"], "max steps exceeded")
        self.assertEqual(ran.json()["agents"][0]["steps"], 30)


class Looking(AgdbCase):
    def setUp(self):
        super().setUp()
        self.id = self.record(SCRIPTS / "hello.json")

    def test_show_lists_every_event(self):
        self.assertEqual(len(self.agdb("show", "@").lines()), len(self.events(self.id)))

    def test_show_filters(self):
        for line in self.agdb("show", "@", "-e", "trace=%llm").lines():
            self.assertTrue("LLM" in line or "ConfigResolve" in line or "fd=3" in line, line)
        self.assertEqual(self.agdb("show", "@", "-e", "status=failed").out, "")
        self.assertEqual(len(self.agdb("show", "@", "--from", 3, "--to", 5).lines()), 3)

    def test_json_lines_are_the_recorded_ones(self):
        recorded = (self.folder_of(self.id) / "events.jsonl").read_text()
        self.assertEqual(self.agdb("show", "@", "--json").out, recorded)

    def test_the_context_at_an_event_is_what_the_model_knew(self):
        seq = self.seq_of(self.id, syscall("CtxWrite", op="AppendToolResult"))
        before = self.context(self.id, seq)["messages"]
        after = self.context(self.id, seq + 1)["messages"]
        self.assertEqual([m["role"] for m in before], ["user", "assistant"])
        self.assertEqual([m["role"] for m in after], ["user", "assistant", "tool"])

    def test_diff_tells_what_came_between(self):
        seq = self.seq_of(self.id, syscall("CtxWrite", op="AppendToolResult"))
        text = self.agdb("diff", "@", seq, seq + 1).out
        self.assertIn("Messages: 2 → 3 (+1)", text)
        self.assertIn("+ [tool]", text)
        self.agdb("diff", "@", seq, seq + 1, "--exit-code", expect=FOUND)
        self.agdb("diff", "@", seq, seq, "--exit-code", expect=DONE)

    def test_ctx_tells_growth_and_profile(self):
        self.assertIn("Context Growth: PID 1", self.agdb("ctx", "growth", "@").out)
        growth = self.agdb("ctx", "growth", "@", "--budget", 1000, "--json").json()
        self.assertEqual(growth["tokens_used"], sum(
            e["llm"]["request_tokens"] + e["llm"]["response_tokens"]
            for e in self.events(self.id) if e["type"] == "llm_response"))
        self.assertIn("forecast", growth)
        self.assertIn("Ctx Profile: PID 1", self.agdb("ctx", "profile", "@", "--at", 20).out)

    def test_recordings_are_removed(self):
        self.agdb("record", "rm", self.id)
        self.assertFalse(self.folder_of(self.id).exists())
        self.assertIn("no recordings", self.agdb("record", "list").err)


class Removing(AgdbCase):
    def test_a_run_is_removed_with_its_children(self):
        self.record(SCRIPTS / "research-team.json")
        self.agdb("record", "rm", "@")
        self.assertEqual(self.agdb("record", "list", "--all", "--ids").out, "")


class Forking(AgdbCase):
    def test_what_was_typed_in_the_editor_is_not_thrown_away(self):
        record = self.record(SCRIPTS / "hello.json")
        editor = self.write("editor.sh", "#!/bin/sh\necho 'not json' > \"$1\"\n")
        editor.chmod(0o755)
        ran = self.agdb("fork", record, "--at", 8, "--edit", expect=1, environment={"EDITOR": str(editor)})
        left = ran.err.strip().split(" is in ")[1]
        with open(left, encoding="utf-8") as file:
            self.assertEqual(file.read(), "not json\n")

    def test_an_unknown_role_is_refused(self):
        record = self.record(SCRIPTS / "hello.json")
        self.refused("fork", record, "--at", 8, "--append", "use:hello", naming=["use", "system, user, assistant, tool"])

    def test_calls_without_a_result_are_pointed_out(self):
        record = self.record(SCRIPTS / "hello.json")
        seq = self.seq_of(record, syscall("Open", path="/dev/tool/clock"))
        self.assertIn("no result here: clock", self.agdb("fork", record, "--at", seq, "--json").err)

    def test_an_edited_message_takes_another_path(self):
        record = self.record(SCRIPTS / "alternatives.json")
        seq = self.seq_of(record, lambda e: e["type"] == "llm_response")
        plain = self.agdb("fork", record, "--at", seq, "--run").lines()[0]
        self.assertEqual(self.snapshot_hashes(plain)[-1], self.snapshot_hashes(record)[-1])

    def test_a_fork_at_any_event_ends_as_the_original_did(self):
        record = self.record(SCRIPTS / "hello.json")
        final = self.snapshot_hashes(record)[-1]
        first = self.seq_of(record, lambda e: e["type"] == "context_snapshot" and e["context"]["messages"])
        for event in self.events(record)[first - 1:]:
            fork = self.agdb("fork", record, "--at", event["seq_num"], "--run").lines()
            if event["seq_num"] < len(self.events(record)) - 5:
                self.assertEqual(self.snapshot_hashes(fork[0])[-1], final, event)

    def test_a_fork_runs_on_recorded_with_its_origin(self):
        record = self.record(SCRIPTS / "hello.json")
        seq = self.seq_of(record, syscall("CtxWrite", op="AppendToolResult")) + 1
        ran = self.agdb("fork", record, "--at", seq, "--replace", "it is noon", "--run")
        self.assertIn("who answers:", ran.err)
        fork = ran.lines()[0]
        self.assertEqual(self.metadata(fork)["forked_from"], {"record_id": record, "seq_num": seq})
        last = len(self.events(fork))
        self.assertIn("it is noon", [m["content"] for m in self.context(fork, last)["messages"]])
        self.agdb("verify", fork)

    def test_edits_apply_in_the_order_given(self):
        record = self.record(SCRIPTS / "hello.json")
        last = len(self.events(record))
        messages = self.agdb("fork", record, "--at", last, "--remove", 1, "--append", "user:one",
                             "--replace", "two", "--set-prompt", "P", "--json").json()
        self.assertEqual(messages[0], {"role": "system", "content": "P"})
        self.assertEqual(messages[-1], {"role": "user", "content": "two"})

    def test_edit_opens_the_editor(self):
        record = self.record(SCRIPTS / "hello.json")
        editor = self.write("editor.sh", "#!/bin/sh\nsed -i 's/Reykjavik/Oslo/' \"$1\"\n")
        editor.chmod(0o755)
        ran = self.agdb("fork", record, "--at", 8, "--edit", "--json", environment={"EDITOR": str(editor)})
        self.assertIn("Oslo", ran.out)

    def test_a_fork_beyond_the_script_says_that_it_is_exhausted(self):
        record = self.record(SCRIPTS / "hello.json")
        last = len(self.events(record))
        ran = self.agdb("fork", record, "--at", last, "--append", "user:and now?", "--run", "--json")
        self.assertEqual(ran.json()["agents"][0]["exit_reason"], "script_exhausted")


class RealSessions(AgdbCase):
    """A real session's execution in the runtime is the session again, hash by hash."""

    def executes_as_it_happened(self, path, name):
        self.agdb("import", path, "--run", "--force", "--json")
        imported, executed = None, None
        for line in self.agdb("record", "list", "--json").lines():
            metadata = json.loads(line)
            if metadata["source"]["name"] == name:
                if metadata["runtime"] == "imported":
                    imported = metadata["record_id"]
                else:
                    executed = metadata["record_id"]
        self.assertEqual(self.snapshot_hashes(imported), self.snapshot_hashes(executed), name)
        self.agdb("verify", imported)
        self.agdb("verify", executed)

    def test_the_sessions_in_the_fixtures(self):
        for path in sorted(SESSIONS.glob("claude-code/*.jsonl")):
            if '"type":"assistant"' not in path.read_text() or "agent-" in path.name:
                continue
            with self.subTest(path.name):
                self.executes_as_it_happened(path, path.name)

    def test_importing_twice_makes_nothing_new(self):
        path = next(p for p in sorted(SESSIONS.glob("claude-code/*.jsonl")) if p.stat().st_size > 5000)
        first = self.agdb("import", path).lines()
        again = self.agdb("import", path)
        self.assertEqual(first, again.lines())
        self.assertIn("was imported before", again.err)
        self.assertEqual(len(self.agdb("record", "list").lines()), 2)
        self.agdb("import", path, "--force")
        self.assertEqual(len(self.agdb("record", "list").lines()), 3)

    def test_an_import_that_was_cut_off_is_made_once_more(self):
        path = next(p for p in sorted(SESSIONS.glob("claude-code/*.jsonl")) if p.stat().st_size > 5000)
        (first,) = self.agdb("import", path).lines()
        # As a program leaves it that was killed.
        metadata = self.folder_of(first) / "metadata.json"
        metadata.write_text(json.dumps({**json.loads(metadata.read_text()), "status": "recording"}))
        again = self.agdb("import", path)
        self.assertIn(f"was cut off ({first} is of it)", again.err)
        (second,) = again.lines()
        self.assertNotEqual(first, second)
        before = self.agdb("import", path)
        self.assertIn(f"was imported before, as {second}", before.err)
        self.assertEqual(before.lines(), [second])


if __name__ == "__main__":
    unittest.main()

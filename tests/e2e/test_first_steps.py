"""What a person who is new to it meets: told once, told rightly, and with what to do next."""

import json
import unittest

from agdb_case import SCRIPTS, USAGE, AgdbCase, script, syscall, tool_turn


def session_log(name="s"):
    """The smallest log that holds a run."""
    lines = [{"type": "user", "uuid": "u1", "parentUuid": None, "sessionId": name, "timestamp": "2026-01-01T00:00:00.000Z",
              "message": {"role": "user", "content": f"hello from {name}"}},
             {"type": "assistant", "uuid": "a1", "parentUuid": "u1", "sessionId": name, "timestamp": "2026-01-01T00:00:01.000Z",
              "message": {"id": "m1", "role": "assistant", "model": "m",
                          "content": [{"type": "thinking", "thinking": "let me see", "signature": "c2lnbmF0dXJl" * 20},
                                      {"type": "text", "text": "hi"}],
                          "usage": {"input_tokens": 5, "output_tokens": 2}}}]
    return "\n".join(map(json.dumps, lines)) + "\n"


class Importing(AgdbCase):
    def test_what_the_newest_recording_is_now(self):
        ran = self.agdb("import", self.write("a.jsonl", session_log()))
        self.assertIn(f"@ is now {ran.lines()[0]}: hello from s", ran.err)
        self.assertNotIn("@ is now", self.agdb("import", self.folder / "a.jsonl").err)

    def test_one_is_not_many(self):
        err = self.agdb("import", self.write("a.jsonl", session_log())).err
        self.assertIn("1 process, 1 model call, 0 tool calls (0 failed), 0 compactions", err)

    def test_own_recordings_below_a_folder_are_passed_over_and_counted(self):
        self.record(SCRIPTS / "research-team.json")
        self.write("logs/a.jsonl", session_log("a"))
        self.write("logs/b.jsonl", session_log("b"))
        own = len(self.agdb("record", "list", "--all", "--ids").lines())
        err = self.agdb("import", ".").err
        self.assertIn(f"2 session logs read, 2 runs recorded; {own} recordings of agdb's own skipped", err)
        self.assertNotIn("events.jsonl", err)

    def test_totals_tell_what_was_there_before_and_what_is_no_log(self):
        self.write("logs/a.jsonl", session_log("a"))
        self.agdb("import", "logs")
        self.write("logs/b.jsonl", session_log("b"))
        self.write("logs/c.json", {"other": 1})
        self.assertIn("2 session logs read, 1 run recorded, 1 imported before; 1 other file skipped",
                      self.agdb("import", "logs").err)

    def test_bookkeeping_of_many_logs_is_told_once(self):
        for name in ("a", "b"):
            self.write(f"logs/{name}.jsonl", session_log(name) + json.dumps({"type": "ai-title", "title": name}) + "\n")
        ran = self.agdb("import", "logs")
        self.assertEqual([line for line in ran.err.splitlines() if "bookkeeping" in line],
                         ["agdb: passed over as bookkeeping: 2 ai-title"])

    def test_a_recording_is_no_session_log(self):
        record = self.record(SCRIPTS / "hello.json")
        for path in (self.folder_of(record), self.folder_of(record) / "events.jsonl"):
            self.refused("import", path, naming=["is a recording already", f"agdb show {self.folder_of(record)}"])

    def test_a_script_is_to_be_run(self):
        path = SCRIPTS / "hello.json"
        self.refused("import", path, naming=["agent script", f"`agdb run {path}`"])

    def test_options_of_a_run_need_one(self):
        path = self.write("a.jsonl", session_log())
        for words in (["--budget", "9"], ["--strace"], ["--seed", "1"]):
            self.assertIn("--run", self.agdb("import", path, *words, expect=USAGE).err)


class Recordings(AgdbCase):
    def test_a_broken_recording_is_not_none(self):
        record = self.record(SCRIPTS / "hello.json")
        (self.folder_of(record) / "metadata.json").write_text("{broken")
        listed = self.agdb("record", "list").err
        self.assertIn(record, listed)
        self.assertNotIn("no recordings", listed)
        self.refused("show", "@", naming=["can be read", record])

    def test_a_folder_that_takes_nothing_is_said_once_and_before_the_run(self):
        self.write("readonly", "a file where a folder should be")
        for words in (["run", SCRIPTS / "research-team.json", "--record"],
                      ["import", self.write("a.jsonl", session_log())]):
            self.refused(*words, "--records", self.folder / "readonly", naming=["cannot record", "--records DIR"])

    def interrupted(self):
        """A recording as a killed writer leaves it."""
        record = self.record(SCRIPTS / "hello.json")
        metadata = self.metadata(record)
        metadata.update(status="recording", event_count=0)
        metadata.pop("exit_reason", None)
        (self.folder_of(record) / "metadata.json").write_text(json.dumps(metadata))
        return record

    def test_events_of_an_interrupted_recording_are_counted(self):
        record = self.interrupted()
        total = len(self.events(record))
        row = next(line for line in self.agdb("record", "list").lines() if line.startswith(record))
        self.assertEqual(row.split()[2:4], ["interrupted", str(total)])

    def test_notes_name_the_recording(self):
        record = self.interrupted()
        self.assertIn(f"agdb: {record}: its writer died", self.agdb("show", "@").err)

    def test_lists_fit_on_the_terminal(self):
        self.record(self.write("long.json", script([{"text": "done"}], intent="a very long intent " * 20)))
        for columns in ("80", "120"):
            lines = self.agdb("record", "list", environment={"COLUMNS": columns}).lines()
            self.assertTrue(lines[1].endswith("…"), lines)
            self.assertEqual(len(lines[1]), int(columns))


class Contexts(AgdbCase):
    def setUp(self):
        super().setUp()
        self.id = self.record(SCRIPTS / "hello.json")
        self.first = self.seq_of(self.id, lambda e: e["type"] == "context_snapshot")

    def test_before_the_first_context_its_place_is_told(self):
        hint = f"the first event with a context is {self.first}"
        self.refused("fork", self.id, "--at", 1, naming=["no context snapshot", hint])
        self.refused("ctx", "profile", self.id, "--at", 1, naming=hint)
        self.assertIn(f"the first is at event {self.first}", self.agdb("show", self.id, 1).out)

    def test_more_messages_cannot_be_removed_than_there_are(self):
        count = len(self.context(self.id, 9)["messages"])
        self.agdb("fork", self.id, "--at", 9, "--remove", count)
        self.refused("fork", self.id, "--at", 9, "--remove", count + 1, naming=f"the context has only {count} message")

    def test_options_of_a_run_need_one(self):
        for words in (["--budget", "9"], ["--max-steps", "3"], ["--strace"], ["--record"], ["--clock", "sim"],
                      ["--speed", "2"], ["--seed", "1"], ["--fs", "."], ["--no-record"]):
            ran = self.agdb("fork", self.id, "--at", 9, *words, expect=USAGE)
            self.assertIn("--run", ran.err)
            self.assertEqual(ran.out, "")

    def test_growth_begins_with_what_it_comes_to(self):
        lines = self.agdb("ctx", "growth", self.id, "--budget", 1_000_000).lines()
        self.assertTrue(lines[0].startswith(self.id), lines)
        self.assertRegex(lines[1], r"^\d+ tokens spent in \d+ steps?, [\d.]+% of 1000000; room for ~\d+ more calls?$")


class Tools(AgdbCase):
    def test_calls_of_a_tool_are_picked_by_its_name(self):
        record = self.record(SCRIPTS / "hello.json")
        lines = self.agdb("show", record, "-e", "tool=clock").lines()
        self.assertEqual([line.split("] ")[1].split("(")[0] for line in lines], ["Open", "Write", "Read", "Close"])
        nothing = self.agdb("show", record, "-e", "tool=nothing")
        self.assertEqual(nothing.out, "")
        self.assertIn(f"none of {len(self.events(record))} events matches", nothing.err)
        self.assertIn("tool=", self.agdb("show", "--help").out)

    def test_a_failed_call_names_its_tool(self):
        record = self.record(self.write("f.json", script([tool_turn("grep", error="no match"), {"text": "done"}])))
        failed = self.agdb("show", record, "-e", "status=failed").lines()
        self.assertTrue(any(line.endswith("← grep failed") for line in failed), failed)
        coloured = self.agdb("show", record, "-e", "status=failed", "--color", "always").out
        self.assertIn("\x1b[1;91m← grep failed\x1b[0m", coloured)

    def test_a_thinkings_signature_is_for_those_who_ask(self):
        record = self.agdb("import", self.write("a.jsonl", session_log())).lines()[0]
        seq = self.seq_of(record, syscall("DriverThinking"))
        brief = self.agdb("show", record, seq).out
        self.assertIn("let me see", brief)
        self.assertNotIn("c2lnbmF0dXJl", brief)
        self.assertIn("(240 bytes; -v shows it)", brief)
        self.assertIn("c2lnbmF0dXJl", self.agdb("show", record, seq, "-v").out)
        self.assertNotIn("c2lnbmF0dXJl", self.agdb("show", record).out)


if __name__ == "__main__":
    unittest.main()

"""Bad input: one clear line that names the thing, exit 1, nothing written over, no crash."""

import json
import os
import resource
import shutil
import signal
import subprocess
import unittest

from agdb_case import AGDB, FAILED, INTERRUPTED, SCRIPTS, USAGE, AgdbCase, script, syscall, tool_turn


class Scripts(AgdbCase):
    def refused_script(self, content, naming):
        path = self.write("bad.json", content)
        line = self.refused("run", path, "--record", naming=naming)
        self.assertFalse((self.folder / ".agdb").exists(), "a refused script leaves nothing behind")
        return line

    def test_a_missing_file(self):
        self.refused("run", "nowhere.json", naming=["nowhere.json", "No such file"])

    def test_a_folder(self):
        self.refused("run", self.folder, naming=[str(self.folder), "Is a directory"])

    def test_an_empty_file(self):
        self.refused_script("", "bad.json")

    def test_not_json(self):
        self.refused_script("{\n  \"agents\": nonsense\n}", "bad.json:2:")

    def test_cut_in_the_middle(self):
        self.refused_script((SCRIPTS / "hello.json").read_text()[:200], "bad.json:")

    def test_the_wrong_shape(self):
        self.refused_script("[1, 2, 3]", "bad.json:1:1")
        self.refused_script({"agents": {"main": {"turns": [{"txt": "x"}]}}, "agdb_script": 1}, "txt")

    def test_errors_name_line_and_column(self):
        text = '{\n "agdb_script": 1,\n "agents": {"main": {"turns": [\n  {"text": 7}\n ]}}\n}'
        self.refused_script(text, "bad.json:4:12")

    def test_invalid_utf8_is_named_with_its_place(self):
        self.refused_script(b'{"agdb_script":1,"agents":{"main":{"turns":[{"text":"a\xffb"}]}}}', "bad.json:1:55")

    def test_bytes_of_a_tool_stay_recoverable(self):
        self.write("files/raw", b"a\xffb")
        path = self.write("raw.json", script([tool_turn("read", device="/dev/fs/raw"), {"text": "done"}]))
        record = self.agdb("run", path, "--fs", self.folder / "files", "--record").lines()[0]
        at = self.seq_of(record, syscall("Read", fd=4))
        read = self.events(record)[at - 1]["syscall"]
        self.assertEqual(read["result"]["data"], "a\ufffdb")
        self.assertEqual(read["result"]["data_base64"], "Yf9i")
        self.agdb("verify", record)

    def test_nesting_ten_thousand_deep(self):
        self.refused_script("[" * 10_000 + "]" * 10_000, "bad.json:")

    def test_a_line_of_fifty_mebibytes(self):
        long = script([{"text": "x" * (50 << 20)}])
        record = self.record(self.write("long.json", long))
        self.agdb("verify", record)
        self.assertIn("llm: model=", self.agdb("replay", record, "-c", "goto 13").out)

    def test_a_script_that_loops_for_ever_is_ended_by_its_steps(self):
        ran = self.agdb("run", self.write("loop.json", script([dict(tool_turn(result="x"), next=1)])),
                        "--json", expect=4)
        self.assertEqual(ran.json()["agents"][0]["exit_reason"], "max steps exceeded")

    def test_files_outside_the_folder(self):
        secret = self.write("secret.txt", "outside")
        (self.folder / "inside").mkdir()
        path = self.write("fs.json", script([tool_turn("read", device="/dev/fs/../secret.txt"), {"text": "done"}]))
        ran = self.agdb("run", path, "--fs", self.folder / "inside", "--record")
        context = self.context(ran.lines()[0], len(self.events(ran.lines()[0])))
        self.assertIn("the path leaves the folder", context["messages"][2]["content"])
        self.assertEqual(secret.read_text(), "outside")


class Recordings(AgdbCase):
    def setUp(self):
        super().setUp()
        self.id = self.record(SCRIPTS / "hello.json")
        self.file = self.folder_of(self.id) / "events.jsonl"

    def test_an_unknown_record(self):
        for command in (["show"], ["verify"], ["replay"], ["record", "info"], ["record", "rm"], ["ctx", "growth"]):
            self.refused(*command, "99-1", naming="99-1")

    def test_ids_do_not_lead_out_of_the_folder(self):
        outside = self.write("victim/metadata.json", {"record_id": "x"})
        for bad in ("..", ".hidden", "a\nb"):
            self.refused("record", "rm", bad)
        self.refused("record", "rm", "../../victim")
        self.assertTrue(outside.exists())

    def test_a_number_out_of_range(self):
        self.refused("show", "@", 999, naming=["999", "1 to"])
        self.refused("diff", "@", 1, 999, naming="999")
        self.refused("fork", "@", "--at", 0, naming="event 0 not found")
        self.agdb("show", "@", "x", expect=USAGE)

    def test_no_context_yet(self):
        self.refused("diff", "@", 1, 8, naming="no context snapshot")

    def test_a_line_damaged_in_the_middle(self):
        lines = self.file.read_bytes().split(b"\n")
        lines[9] = b"{nonsense"
        self.file.write_bytes(b"\n".join(lines))
        ran = self.agdb("show", "@")
        self.assertEqual(len(ran.lines()), 32)
        self.assertIn("line 10", ran.err)
        found = self.agdb("verify", "@", "--json", expect=3).json()["findings"]
        self.assertIn(10, [f["line"] for f in found])

    def test_a_torn_last_line(self):
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:-20])
        ran = self.agdb("show", "@")
        self.assertEqual(len(ran.lines()), 32)
        self.assertNotEqual(ran.err, "")
        self.assertEqual(self.file.read_bytes(), whole[:-20], "reading writes nothing")
        self.agdb("verify", "@", expect=3)

    def test_a_changed_byte_is_found(self):
        text = self.file.read_bytes()
        at = text.index(b"Reykjavik")
        self.file.write_bytes(text[:at] + b"Q" + text[at + 1:])
        self.agdb("verify", "@", expect=3)
        self.refused("fork", "@", "--at", 20, naming="#")

    def test_several_are_verified_whatever_became_of_the_others(self):
        text = self.file.read_bytes()
        self.file.write_bytes(text.replace(b"Reykjavik", b"Qeykjavik", 1))
        good = self.record(SCRIPTS / "hello.json")
        found = self.agdb("verify", self.id, good, expect=3)
        self.assertEqual({line.partition(": ")[0] for line in found.lines()}, {self.id, good})
        self.assertIn(f"{good}: ok: ", found.out)
        told = [json.loads(line) for line in self.agdb("verify", good, self.id, "--json", expect=3).lines()]
        self.assertEqual([report["ok"] for report in told], [True, False])
        missed = self.agdb("verify", "99-1", good, "98-1", expect=1)
        self.assertIn("98-1", missed.err)
        self.assertIn("99-1", missed.err)
        self.assertIn(f"{good}: ok: ", missed.out)

    def test_metadata_missing_or_broken(self):
        (self.folder_of(self.id) / "metadata.json").write_text("{broken")
        self.refused("show", self.id, naming="metadata")
        self.assertIn("metadata", self.agdb("record", "list").err)
        os.remove(self.folder_of(self.id) / "metadata.json")
        self.refused("show", self.id)

    def test_events_missing(self):
        os.remove(self.file)
        self.refused("show", "@", naming="events")

    def test_control_characters_do_not_reach_the_terminal(self):
        path = self.write("evil.json", script([{"text": "\u001b[2Jgone\u202e"}], intent="\u001b]0;title\u0007"))
        record = self.record(path)
        for words in (["show", record], ["show", record, 9], ["record", "list"], ["record", "info", record],
                      ["diff", record, 6, 14], ["fork", record, "--at", 14], ["replay", record, "-c", "goto 12", "-c", "list"]):
            ran = self.agdb(*words)
            self.assertNotIn("\u001b", ran.out + ran.err, words)
            self.assertNotIn("\u202e", ran.out + ran.err, words)


class Logs(AgdbCase):
    def test_what_is_no_session_log(self):
        self.refused("import", self.write("x.txt", "hello"), naming=["x.txt", "no session log"])
        self.refused("import", self.write("x.json", "[" * 10_000), naming="x.json")
        self.refused("import", "nowhere.jsonl", naming="nowhere.jsonl")
        self.refused("import", self.folder / "empty-folder-that-is-missing", naming="empty-folder")

    def test_an_empty_file_is_said_to_be_empty(self):
        ran = self.agdb("import", self.write("empty.jsonl", ""))
        self.assertIn("empty", ran.err)
        self.assertEqual(ran.out, "")

    def test_a_cut_log_is_imported_as_far_as_it_goes(self):
        lines = [{"type": "user", "uuid": "u1", "parentUuid": None, "sessionId": "s", "timestamp": "2026-01-01T00:00:00.000Z",
                  "message": {"role": "user", "content": "hello"}},
                 {"type": "assistant", "uuid": "a1", "parentUuid": "u1", "sessionId": "s", "timestamp": "2026-01-01T00:00:01.000Z",
                  "message": {"id": "m1", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "hi"}],
                              "usage": {"input_tokens": 5, "output_tokens": 2}}}]
        text = "\n".join(map(json.dumps, lines)) + '\n{"type":"user","uuid":"u2","mess'
        ran = self.agdb("import", self.write("cut.jsonl", text))
        self.assertIn("line not JSON", ran.err)
        self.assertEqual(len(ran.lines()), 1)


class Disk(AgdbCase):
    def test_stdout_on_a_full_disk(self):
        self.record(SCRIPTS / "hello.json")
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([AGDB, "show", "@"], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("No space left", done.stderr)

    def test_a_reader_that_goes_away_is_no_error(self):
        self.record(SCRIPTS / "hello.json")
        done = subprocess.run(f"'{AGDB}' show @ | head -1", shell=True, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")

    def test_a_file_that_cannot_grow_loses_events_and_says_so(self):
        path = self.write("long.json", script([dict(tool_turn(result="x" * 1000), next=1)], max_steps=300))
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        ran = self.agdb("run", path, "--record", expect=4, preexec_fn=limit)
        self.assertIn("lost", ran.err)
        record = ran.lines()[0]
        lines = (self.folder_of(record) / "events.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line)["seq_num"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertGreater(self.metadata(record)["lost_events"], 0)

    def test_a_folder_that_cannot_be_written(self):
        program = self.folder / "agdb"
        shutil.copy(AGDB, program)
        shutil.copy(SCRIPTS / "hello.json", self.folder / "hello.json")
        self.folder.chmod(0o555)
        self.addCleanup(self.folder.chmod, 0o755)
        as_nobody = (lambda: os.setuid(65534)) if os.geteuid() == 0 else None
        ran = self.agdb("run", "hello.json", "--record", program=str(program), expect=FAILED, preexec_fn=as_nobody)
        self.assertIn("Permission denied", ran.err)
        self.assertEqual(ran.out, "")


class Interrupting(AgdbCase):
    def test_ctrl_c_ends_a_run_with_valid_recordings(self):
        path = self.write("slow.json", script([{"text": "late", "latency": "1h"}]))
        run = subprocess.Popen([AGDB, "run", str(path), "--record", "--clock", "real", "--strace"], cwd=self.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in run.stderr:
            if "CtxRead" in line:
                break
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, INTERRUPTED, err)
        self.assertEqual(self.metadata(out.split()[0])["exit_reason"], "interrupted")
        self.agdb("verify", out.split()[0])


class Usage(AgdbCase):
    def test_wrong_words_exit_with_two(self):
        for words in (["nonsense"], ["show"], ["run"], ["show", "@", "--nonsense"], ["diff", "@", "1"],
                      ["fork", "@"], ["run", "x.json", "-e", "trace=Open"], ["record"], ["show", "@", "1", "2", "3"]):
            ran = self.agdb(*words, expect=USAGE)
            self.assertEqual(ran.out, "")
            self.assertEqual(len(ran.err.splitlines()), 1, str(ran))

    def test_a_misspelt_command_gets_a_suggestion(self):
        self.assertIn("did you mean replay?", self.agdb("reply", expect=USAGE).err)

    def test_bad_filters_show_the_position(self):
        self.record(SCRIPTS / "hello.json")
        for expression in ("duration=fast", "text~(", "trace=", "tokens=x"):
            ran = self.agdb("show", "@", "-e", expression, expect=USAGE)
            self.assertIn("column", ran.err)
            self.assertEqual(len(ran.err.splitlines()), 1)

    def test_numbers_are_whole_and_above_zero(self):
        for word in ("0", "abc", "-1", "1.5"):
            self.assertIn("whole number above 0", self.agdb("run", "x.json", "--budget", word, expect=USAGE).err)


if __name__ == "__main__":
    unittest.main()

"""The time-travel debugger, driven by -c, by -x, by a pipe and by a terminal."""

import json
import os
import pty
import select
import subprocess
import unittest

from agdb_case import AGDB, FAILED, SCRIPTS, AgdbCase, syscall


class Replay(AgdbCase):
    def setUp(self):
        super().setUp()
        self.id = self.record(SCRIPTS / "hello.json")
        self.total = len(self.events(self.id))

    def commands(self, *commands, expect=0, more=()):
        words = [word for command in commands for word in ("-c", command)]
        return self.agdb("replay", self.id, *more, *words, expect=expect)

    def test_next_and_prev_move_the_cursor(self):
        lines = self.commands("next", "n", "prev").lines()
        self.assertEqual([l for l in lines if l.startswith("[") and "/" in l],
                         [f"[1/{self.total}]", f"[2/{self.total}]", f"[1/{self.total}]"])

    def test_goto_list_and_info(self):
        out = self.commands("goto 10", "list", "info").out
        self.assertIn("► [#010]", out)
        self.assertIn("  [#005]", out)
        self.assertIn(f"Record ID:  {self.id}", out)
        self.assertIn(f"Position:   10/{self.total}", out)

    def test_what_fails_is_said_and_counts(self):
        ran = self.commands("prev", "goto 999", "goto x", "nonsense", "next", expect=FAILED)
        self.assertEqual(ran.err.splitlines(), [
            "[replay] replay: already at beginning of recording",
            "[replay] replay: event with SeqNum 999 not found",
            "[replay] invalid seq_num: x",
            "[replay] unknown command: nonsense (type 'help' for commands)"])
        self.assertIn("[#001", ran.out)

    def test_find_goes_to_what_matches_in_both_directions(self):
        out = self.commands("find trace=Close", "rfind text~clock").out
        self.assertIn("syscall: Close", out)

    def test_diff_from_the_cursor(self):
        seq = self.seq_of(self.id, syscall("CtxWrite", op="AppendToolResult"))
        self.assertIn("Messages: 2 → 3 (+1)", self.commands(f"goto {seq}", f"diff {seq + 1}").out)

    def test_a_fork_is_edited_and_continued(self):
        seq = self.seq_of(self.id, syscall("CtxWrite", op="AppendToolResult")) + 1
        ran = self.commands(f"goto {seq}", "fork", "replace  it is   noon", "append user and  now?",
                            "set prompt be brief", "show", "continue")
        self.assertIn("[fork] Last message replaced with: it is   noon", ran.out)
        self.assertIn("[fork] Message appended: [user] and  now?", ran.out)
        self.assertIn("[fork] New process spawned: PID 1 (PPID: 0)", ran.out)
        fork = ran.out.split("recorded as ")[1].split()[0]
        self.assertEqual(self.metadata(fork)["forked_from"], {"record_id": self.id, "seq_num": seq})
        self.assertEqual(self.metadata(self.id)["status"], "completed")

    def test_a_fork_is_cancelled(self):
        out = self.commands("goto 20", "fork", "cancel", "next").out
        self.assertIn("[fork] Fork cancelled. Returning to replay mode.", out)
        self.assertIn("[#021", out)

    def test_a_negative_remove_is_refused(self):
        ran = self.commands("goto 20", "fork", "remove -1", "show", expect=FAILED)
        self.assertIn("usage: remove", ran.err)
        self.assertIn("Messages:     2", ran.out)

    def test_commands_come_from_a_file(self):
        file = self.write("commands", "# a comment\nnext\n\nnext\nquit\nnext\n")
        self.assertIn(f"[2/{self.total}]\n[replay] session ended.\n", self.agdb("replay", self.id, "-x", file).out)

    def test_commands_come_from_a_pipe(self):
        out = self.agdb("replay", self.id, input="next\nnext\n").out
        self.assertTrue(out.startswith(f"[replay] Loading record {self.id}...\n"))
        self.assertTrue(out.endswith("\n[replay] session ended.\n"))

    def test_json_answers_are_json(self):
        ran = self.commands("next", "list", "info", "goto 999", "diff 8 20", expect=FAILED, more=["--json"])
        answers = [json.loads(line) for line in ran.lines()]
        self.assertEqual(answers[0]["seq_num"], 1)
        self.assertTrue(answers[1][0]["IsCursor"])
        self.assertEqual(answers[2]["record_id"], self.id)
        self.assertEqual(answers[3]["error"]["message"], "replay: event with SeqNum 999 not found")
        self.assertIn("token_delta", answers[4])

    def test_a_terminal_gets_a_prompt_and_editing(self):
        master, slave = pty.openpty()
        run = subprocess.Popen([AGDB, "replay", self.id], cwd=self.folder, stdin=slave, stdout=slave, stderr=slave,
                               env={"TERM": "vt100", "PATH": os.environ["PATH"], "HOME": str(self.folder)})
        os.close(slave)

        unread = b""

        def read_until(text):
            """All up to and including the text; what follows is for the next call."""
            nonlocal unread
            while text not in unread:
                ready, _, _ = select.select([master], [], [], 60)
                self.assertTrue(ready, unread)
                unread += os.read(master, 4096)
            seen, unread = unread.split(text, 1)
            return seen

        read_until(b"replay> ")
        os.write(master, b"nextt\x7f\n")
        self.assertIn(b"state: created", read_until(b"[1/"))
        read_until(b"replay> ")
        os.write(master, b"quit\n")
        read_until(b"session ended")
        self.assertEqual(run.wait(timeout=60), 0)
        os.close(master)


if __name__ == "__main__":
    unittest.main()

"""What surrounds the commands: completion, help, following, recordings of version 1."""

import os
import subprocess
import unittest

from agdb_case import AGDB, FIXTURES, SCRIPTS, AgdbCase, script, tool_turn


class Completion(AgdbCase):
    def complete(self, *words):
        """What bash offers for the last word."""
        program = (f'source <("{AGDB}" completion bash); COMP_WORDS=({" ".join(map(repr, words))}); '
                   f'COMP_CWORD={len(words) - 1}; _agdb; printf "%s\\n" "${{COMPREPLY[@]}}"')
        environment = {**os.environ, "PATH": f"{os.path.dirname(AGDB)}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", program], cwd=self.folder, env=environment, text=True,
                              capture_output=True, check=True)
        return done.stdout.split()

    def test_commands_options_and_record_ids_are_completed(self):
        record = self.record(SCRIPTS / "hello.json")
        self.assertEqual(self.complete("agdb", "rep"), ["replay"])
        self.assertIn("--follow", self.complete("agdb", "show", "--f"))
        self.assertEqual(self.complete("agdb", "show", record[:3]), [record])

    def test_zsh_gets_its_own(self):
        self.assertIn("bashcompinit", self.agdb("completion", "zsh").out)


class Help(AgdbCase):
    def test_every_command_has_help_with_an_example(self):
        overview = self.agdb().out
        commands = [line.split()[0] for line in overview.splitlines() if line.startswith("  ") and "agdb" not in line.split()[0]]
        self.assertGreaterEqual(len(commands), 10)
        for command in commands:
            text = self.agdb(command, "--help").out
            self.assertIn("Examples:", text)
            self.assertIn(f"agdb {command}" if command != "completion" else "completion", text)

    def test_the_version_is_told(self):
        self.assertRegex(self.agdb("--version").out, r"^agdb \d+\.\d+\.\d+\n$")


class Following(AgdbCase):
    def test_a_growing_recording_is_followed_to_its_end(self):
        path = self.write("slow.json", script([tool_turn(result="x", latency="300ms"), {"text": "done", "latency": "300ms"}]))
        run = subprocess.Popen([AGDB, "run", str(path), "--record", "--clock", "real", "--strace"], cwd=self.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in run.stderr:
            if "CtxRead" in line:
                break
        followed = self.agdb("show", "@", "--follow", "--json").out
        out, _ = run.communicate(timeout=60)
        self.assertEqual(followed, (self.folder_of(out.split()[0]) / "events.jsonl").read_text())


class Version1(AgdbCase):
    def test_recordings_of_the_reference_are_read(self):
        for folder in sorted((FIXTURES / "recordings").glob("v1-*")):
            with self.subTest(folder.name):
                self.assertNotEqual(self.agdb("show", folder).out, "")
                self.agdb("record", "info", folder)
                self.agdb("replay", folder, "-c", "next", "-c", "list")


if __name__ == "__main__":
    unittest.main()

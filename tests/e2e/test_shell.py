"""What surrounds the commands: completion, help, following, recordings of version 1."""

import os
import subprocess
import unittest

from agdb_case import AGDB, FIXTURES, SCRIPTS, USAGE, AgdbCase, script, tool_turn


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

    def test_commands_below_others_are_completed(self):
        self.assertEqual(self.complete("agdb", "record", "inf"), ["info"])
        self.assertEqual(self.complete("agdb", "record", "list", "--a"), ["--all"])
        self.assertEqual(self.complete("agdb", "ctx", "growth", "--bud"), ["--budget"])

    def test_values_are_completed(self):
        for words, offered in ((["show", "--color", ""], ["auto", "always", "never"]),
                               (["record", "list", "--color", "n"], ["never"]),
                               (["show", "--color", "=", "n"], ["never"]),
                               (["show", "--color", "="], ["auto", "always", "never"]),
                               (["import", "--format", "o"], ["openai-chat", "otlp"]),
                               (["run", "--clock", "r"], ["real"]),
                               (["completion", ""], ["bash", "zsh"])):
            self.assertEqual(self.complete("agdb", *words), offered, words)

    def test_record_ids_files_and_folders_are_completed_where_they_fit(self):
        record = self.record(SCRIPTS / "hello.json")
        self.write("my log.jsonl", "")
        (self.folder / "my-folder").mkdir()
        self.assertEqual(self.complete("agdb", "ctx", "profile", record[:3]), [record])
        self.assertIn("@", self.complete("agdb", "record", "rm", ""))
        self.assertEqual(self.complete("agdb", "show", "my"), [])
        self.assertEqual(self.complete("agdb", "import", "my "), ["my", "log.jsonl"])
        self.assertEqual(self.complete("agdb", "show", "--records", "my"), ["my-folder"])
        self.assertEqual(self.complete("agdb", "fork", "@", "--at", ""), [])

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

    def test_help_below_a_command_has_the_whole_path_and_the_common_options(self):
        text = self.agdb("record", "list", "--help").out
        self.assertTrue(text.startswith("Usage: agdb record list [OPTIONS]\n"), text)
        for words in ("--color", "--records", "--all", "Examples:"):
            self.assertIn(words, text)

    def test_help_is_a_word_too(self):
        self.assertEqual(self.agdb("help", "show").out, self.agdb("show", "--help").out)
        self.assertEqual(self.agdb("help", "record", "list").out, self.agdb("record", "list", "--help").out)
        self.assertEqual(self.agdb("help").out, self.agdb().out)
        self.assertIn("did you mean show?", self.agdb("help", "shwo", expect=USAGE).err)

    def test_help_fits_on_80_columns(self):
        for words in ([], ["show"], ["fork"], ["import"], ["record"], ["ctx", "growth"]):
            for line in self.agdb(*words, "--help").lines():
                self.assertLessEqual(len(line), 80, line)

    def test_common_options_stand_anywhere(self):
        record = self.record(SCRIPTS / "hello.json")
        elsewhere = self.folder / ".agdb" / "records"
        for words in (["--records", elsewhere, "record", "list", "--ids"], ["record", "--records", elsewhere, "list", "--ids"],
                      ["record", "list", "--ids", "--records", elsewhere]):
            self.assertEqual(self.agdb(*words, environment={"AGDB_RECORDS": "/nowhere"}).out, record + "\n")

    def test_a_misspelt_word_below_a_command_gets_a_suggestion(self):
        self.assertIn("did you mean list?", self.agdb("record", "lst", expect=USAGE).err)
        self.assertIn("did you mean --follow?", self.agdb("show", "@", "--folow", expect=USAGE).err)

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

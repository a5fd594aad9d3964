"""The store of all runs: filled by run and import, read and changed by `agdb runs`."""

import csv
import io
import json
import unittest

from agdb_case import FAILED, SCRIPTS, SESSIONS, USAGE, AgdbCase, script, tool_turn


class Runs(AgdbCase):
    def runs(self, *words, **more):
        return self.agdb("runs", *words, **more)

    def listed(self, *words):
        return [json.loads(line) for line in self.runs("list", "--json", *words).lines()]

    def three(self):
        """Three runs: one that works, one whose tool fails, and one of three processes."""
        self.record(SCRIPTS / "hello.json")
        failing = self.write("failing.json", script(
            [tool_turn(error="no such file: notes.md"), {"text": "sorry"}], intent="read my notes"))
        self.record(failing)
        self.record(SCRIPTS / "research-team.json")


class WhatIsStored(Runs):
    def test_a_recorded_run_is_there_when_it_ends(self):
        record = self.record(SCRIPTS / "hello.json")
        run, = self.listed()
        self.assertEqual(run["id"], 1)
        self.assertEqual(run["flow_name"], "say what time it is")
        self.assertEqual(run["status"], "success")
        self.assertEqual(run["record_id"], record)
        self.assertEqual(run["source_file"], "hello.json")
        self.assertEqual(run["tokens_input"], 74 + 119)
        self.assertEqual(run["tokens_output"], 31 + 18)
        self.assertEqual(run["steps_executed"], 2)
        self.assertGreaterEqual(run["latency_ms"], 920 + 640 + 180)
        self.assertTrue((self.folder / ".agdb" / "store.db").exists())

    def test_a_run_that_is_not_recorded_is_not(self):
        self.agdb("run", SCRIPTS / "hello.json")
        self.assertEqual(self.listed(), [])
        self.assertIn("no runs", self.runs("list").err)

    def test_a_run_of_several_processes_is_one(self):
        self.record(SCRIPTS / "research-team.json")
        run, = self.listed()
        events = self.runs("show", "@", "--json").json()["events"]
        self.assertEqual([event["event_type"] for event in events].count("spawn"), 3)
        self.assertEqual(run["event_count"], len(events))

    def test_an_imported_session_stands_at_its_own_time(self):
        session = next(iter(sorted(SESSIONS.glob("**/*.jsonl"))))
        record = self.agdb("import", session).lines()[-1]
        run = self.listed()[0]
        self.assertEqual(run["source_file"], session.name)
        self.assertEqual(run["record_id"], record)

    def test_a_fork_tells_what_it_continues(self):
        self.record(SCRIPTS / "alternatives.json")
        self.agdb("fork", "@", "--at", 20, "--run", "--record")
        newest, oldest = self.listed()
        self.assertEqual(newest["replay_of"], oldest["id"])

    def test_named_records_keep_their_store_within(self):
        self.agdb("run", SCRIPTS / "hello.json", "--record", "--records", "elsewhere")
        self.assertTrue((self.folder / "elsewhere" / "store.db").exists())
        self.assertFalse((self.folder / "store.db").exists())

    def test_a_store_that_is_damaged_is_kept_aside_and_rebuilt(self):
        self.three()
        before = self.listed()
        self.write(".agdb/store.db", "this is no store " * 1000)
        told = self.runs("rebuild").err
        self.assertIn("store.db.corrupt-1", told)
        self.assertIn("3 runs taken in", told)
        self.assertTrue((self.folder / ".agdb" / "store.db.corrupt-1").exists())
        same = ("flow_name", "status", "tokens_input", "latency_ms", "record_id", "errors")
        self.assertEqual(sorted([run[key] for key in same] for run in before),
                         sorted([run[key] for key in same] for run in self.listed()))

    def test_a_store_that_is_damaged_is_filled_before_it_is_asked(self):
        self.three()
        self.write(".agdb/store.db", "this is no store " * 1000)
        listed = self.runs("list", "--json")
        self.assertIn("store.db.corrupt-1", listed.err)
        self.assertIn("3 runs taken in", listed.err)
        self.assertEqual(len(listed.lines()), 3)
        self.assertEqual(self.runs("list").err, "")

    def test_an_annotation_says_something(self):
        self.three()
        for words in (["1"], ["1", ""], []):
            self.runs("annotate", *words, expect=USAGE)
        self.runs("annotate", 1, "", "--tag", "odd")

    def test_rebuilding_keeps_what_people_wrote(self):
        self.three()
        self.runs("annotate", 1, 2, "look at this", "--tag", "odd", "--author", "ann")
        self.runs("rebuild")
        self.assertEqual([run["id"] for run in self.listed("-e", "tag=odd")], [2, 1])
        self.assertEqual(len(self.listed()), 3)


class Looking(Runs):
    def setUp(self):
        super().setUp()
        self.three()

    def test_filters(self):
        for expressions, ids in (((), [3, 2, 1]),
                                 (("flow=read my notes",), [2]),
                                 (("errors=yes",), [2]),
                                 (("status=success", "errors=no"), [3, 1]),
                                 (("client=bob",), []),
                                 (("tag=none",), []),
                                 (("duration=1h..",), []),
                                 (("duration>=1ms", "since=9000h"), [3, 1]),
                                 (("until=9000h",), [])):
            words = [word for expression in expressions for word in ("-e", expression)]
            self.assertEqual([run["id"] for run in self.listed(*words)], ids, expressions)

    def test_pages_and_order(self):
        self.assertEqual([run["id"] for run in self.listed("-n", 2)], [3, 2])
        self.assertEqual([run["id"] for run in self.listed("--before", 2)], [1])
        tokens = [run["tokens_input"] + run["tokens_output"]
                  for run in self.listed("--sort", "tokens")]
        self.assertEqual(tokens, sorted(tokens, reverse=True))

    def test_the_table_fits_and_has_the_columns_asked_for(self):
        ran = self.runs("list", environment={"COLUMNS": "60"})
        for line in ran.lines():
            self.assertLessEqual(len(line), 60)
        self.assertEqual(self.runs("list", "--columns", "id,flow").lines()[0].split(),
                         ["ID", "FLOW"])

    def test_search(self):
        self.assertIn("read my notes", self.runs("search", "NO SUCH file").out)
        self.assertEqual(json.loads(self.runs("search", "NOTES.", "--json").out)["id"], 2)
        for text in ("nowhere to be found", "'; DROP TABLE runs; --", 'a" OR "b', "*"):
            self.assertEqual(self.runs("search", text, "--json").out, "")
        self.assertIn("is in no run", self.runs("search", "zz").err)

    def test_show(self):
        text = self.runs("show", 2).out
        self.assertIn("read my notes", text)
        self.assertIn("no such file: notes.md", text)
        self.refused("runs", "show", 99, naming="trace 99 not found")
        self.refused("runs", "show", "abc", naming="abc")

    def test_stats_and_aggregate(self):
        stats = self.runs("stats", "--json").json()
        self.assertEqual(stats["total_recorded"], 3)
        self.assertEqual(stats["buffered"]["count"], 3)
        self.assertEqual(sum(entry["count"] for entry in stats["latency_histogram"]), 3)
        self.assertIn("█", self.runs("stats").out)
        sums = self.runs("aggregate", "--json").json()
        self.assertEqual(sums["count"], 3)
        latencies = sorted(run["latency_ms"] for run in self.listed())
        self.assertEqual(sums["p50_latency_ms"], latencies[1])
        self.assertEqual(sums["p99_latency_ms"], latencies[2])
        self.assertIn("ago [", self.runs("aggregate", "--window", "99999h").out)

    def test_exports(self):
        rows = list(csv.DictReader(io.StringIO(self.runs("export", "--format", "CSV").out)))
        self.assertEqual([row["trace_id"] for row in rows], ["3", "2", "1"])
        lines = self.runs("export", "--format", "jsonl", "-e", "errors=yes").lines()
        self.assertEqual([json.loads(line)["trace_id"] for line in lines], ["axt-2"])
        self.runs("export", "--format", "prom", "-o", "metrics")
        self.assertIn("agdb_traces_total 3\n", (self.folder / "metrics").read_text())
        self.agdb("runs", "export", "--format", "xml", expect=USAGE)

    def test_wrong_words_are_wrong_usage(self):
        for words in (("list", "-e", "status=odd"), ("list", "-e", "colour=red"),
                      ("list", "--columns", "id,colour"), ("list", "--sort", "colour"),
                      ("aggregate", "--window", "soon"), ("list", "-n", "0"), ("lists",)):
            self.agdb("runs", *words, expect=USAGE)


class Changing(Runs):
    def setUp(self):
        super().setUp()
        self.three()

    def test_annotate(self):
        self.runs("annotate", "@", "far too slow", "--tag", "slow", "--author", "ann")
        self.assertIn("ann: far too slow #slow", self.runs("show", 3).out)
        self.assertEqual([run["id"] for run in self.listed("-e", "tag=slow")], [3])
        self.assertEqual(json.loads(self.runs("search", "far TOO", "--json").out)["id"], 3)
        self.assertIn("trace 99 not found", self.runs("annotate", 1, 99, "x", expect=FAILED).err)

    def test_correlate(self):
        self.runs("correlate", "request-17", 1, 3)
        lines = self.runs("correlate", "request-17", "--json").lines()
        self.assertEqual([json.loads(line)["id"] for line in lines], [3, 1])
        self.refused("runs", "correlate", "x", 99, naming="trace 99 not found")

    def test_delete(self):
        self.runs("delete", 1)
        self.assertEqual([run["id"] for run in self.listed()], [3, 2])
        self.runs("delete", "-e", "errors=yes")
        self.assertEqual([run["id"] for run in self.listed()], [3])
        self.assertIn("which runs", self.runs("delete", expect=USAGE).err)
        self.assertEqual(self.runs("stats", "--json").json()["total_recorded"], 3)
        self.runs("rebuild")
        self.assertEqual(len(self.listed()), 3)


if __name__ == "__main__":
    unittest.main()

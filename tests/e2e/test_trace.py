"""Runs as traces: a tree of spans, what took the time, two of them compared."""

import json
import os
import unittest

from agdb_case import SCRIPTS, SESSIONS, USAGE, AgdbCase, script, tool_turn

TEAM = SCRIPTS / "research-team.json"


def spans_of(node):
    """All spans of `trace show --json`, from the root down."""
    found, waiting = [], [node]
    while waiting:
        span = waiting.pop()
        found.append(span)
        waiting.extend(reversed(span.get("children", [])))
    return found


class Showing(AgdbCase):
    def test_a_run_is_one_tree_with_its_children_in_it(self):
        record = self.record(TEAM)
        tree = self.agdb("trace", "show", record, "--json").json()
        spans = spans_of(tree["root"])
        self.assertEqual(len(spans), tree["metadata"]["total_spans"])
        self.assertNotIn("outside", tree)
        kinds = {span["kind"] for span in spans}
        self.assertLessEqual({"process", "step", "llm_call", "tool_call", "spawn", "wait"}, kinds)
        self.assertEqual(sum(span["kind"] == "process" for span in spans),
                         len(self.agdb("record", "list", "--all", "--ids").lines()))
        self.assertEqual(tree["root"]["name"], "find out why the bridge was closed")

    def test_the_run_is_found_by_any_of_its_names(self):
        record = self.record(TEAM)
        metadata = self.metadata(record)
        wanted = self.agdb("trace", "show", record).out
        self.assertTrue(wanted.startswith("Trace: "))
        for name in ("@", self.folder_of(record), metadata["run_id"], metadata["trace_id"], "1"):
            self.assertEqual(self.agdb("trace", "show", name).out, wanted)

    def test_verbose_has_a_second_line_a_span(self):
        self.record(SCRIPTS / "hello.json")
        plain = self.agdb("trace", "show", "@").lines()
        verbose = self.agdb("trace", "show", "@", "-v").out
        self.assertEqual(verbose.count("  SpanID: "), len(plain) - 2)
        self.assertIn("Kind: llm_call", verbose)

    def test_tokens_count_once(self):
        self.record(self.write("s.json", script([{"text": "done", "usage": {"request": 100, "response": 20}}])))
        self.assertEqual(self.agdb("trace", "show", "@", "--json").json()["metadata"]["total_tokens"], 120)

    def test_what_is_not_there_is_not_found(self):
        self.refused("trace", "show", "none", naming=['trace "none" not found', "agdb trace list"])
        self.refused("trace", "show", "../none", naming="none")
        self.refused("trace", "show", "@", naming="no recordings")
        self.agdb("trace", "show", expect=USAGE)

    def test_imported_sessions_have_traces_too(self):
        session = next(iter(sorted(SESSIONS.glob("**/*.jsonl"))))
        self.agdb("import", session)
        tree = self.agdb("trace", "show", "@", "--json").json()
        self.assertIn("llm_call", {span["kind"] for span in spans_of(tree["root"])})


class Tallies(AgdbCase):
    """What a list shows of a run is derived once."""

    def listed(self):
        return self.agdb("trace", "list", "--json").json()

    def tally(self, record):
        return self.folder_of(record) / "trace.tally"

    def change(self, record, **tally):
        json_of = json.loads(self.tally(record).read_text())
        json_of["tally"].update(tally)
        self.tally(record).write_text(json.dumps(json_of))

    def test_a_list_is_the_same_from_what_was_kept(self):
        records = [self.record(TEAM), self.record(SCRIPTS / "hello.json"),
                   self.record(self.write("f.json", script([tool_turn(error="no"), {"text": "sorry"}])))]
        first = self.listed()
        self.assertEqual(len(first), 3)
        self.assertTrue(all(self.tally(record).exists() for record in records))
        self.assertEqual(self.tally(records[0]).stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.listed(), first)
        self.agdb("verify", records[0])
        self.agdb("record", "rm", records[1])
        self.assertEqual(len(self.listed()), 2)

    def test_what_was_kept_is_used(self):
        record = self.record(SCRIPTS / "hello.json")
        self.listed()
        self.change(record, spans=12345)
        self.assertEqual(self.listed()[0]["span_count"], 12345)

    def test_it_does_not_count_once_the_recording_has_changed(self):
        record = self.record(SCRIPTS / "hello.json")
        wanted = self.listed()
        for name in ("events.jsonl", "metadata.json"):
            self.change(record, spans=12345)
            path = self.folder_of(record) / name
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))
            self.assertEqual(self.listed(), wanted)
        self.change(record, spans=12345)
        self.agdb("record", "compress", record)
        self.assertEqual(self.listed(), wanted)

    def test_damage_in_it_is_passed_over(self):
        record = self.record(SCRIPTS / "hello.json")
        wanted = self.listed()
        whole = self.tally(record).read_text()
        for text in ("", "{", "[]", "{}", whole[:-20], whole.replace('"version":1', '"version":2'),
                     whole.replace('"spans":', '"spans":-')):
            self.tally(record).write_text(text)
            self.assertEqual(self.listed(), wanted, text)
        self.tally(record).unlink()
        self.tally(record).mkdir()
        self.assertEqual(self.listed(), wanted)

    def test_damaged_lines_are_told_each_time(self):
        record = self.record(SCRIPTS / "hello.json")
        path = self.folder_of(record) / "events.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        lines[5] = "{" + lines[5][2:]
        path.write_text("".join(lines))
        for _ in range(2):
            self.assertIn("1 line could not be read", self.agdb("trace", "list").err)


class Telling(AgdbCase):
    def test_a_run_that_keeps_its_spans_says_where(self):
        told = self.agdb("run", SCRIPTS / "hello.json", "--trace").err
        trace = next((self.folder / ".agdb" / "traces").iterdir()).name
        self.assertIn(f"`agdb trace show {trace}`", told)
        self.assertIn("say what time it is", self.agdb("trace", "show", trace).out)
        self.assertNotIn("trace show", self.agdb("run", SCRIPTS / "hello.json").err)


class Files(AgdbCase):
    def keep(self, trace_id, *spans, more=""):
        lines = "".join(json.dumps({"trace_id": trace_id, "pid": 1, "syscall_count": 0, "tokens_used": 0,
                                    "status": "ok", **span}) + "\n" for span in spans)
        return self.write(f".agdb/traces/{trace_id}/spans.jsonl", lines + more)

    def span(self, span_id, parent="", start=1772964000000, duration=1000):
        return {"span_id": span_id, "parent_span_id": parent, "name": span_id, "start_time_ms": start,
                "end_time_ms": start + duration, "duration_ms": duration}

    def test_kept_traces_are_shown(self):
        self.keep("t1", self.span("child", "root"), self.span("root"))
        self.assertEqual(self.agdb("trace", "show", "t1").out,
                         "Trace: t1  |  2 spans  |  1.00s  |  0 tokens\n\n"
                         "┌─ root (PID 1)                           1.00s    0 tok  ok\n"
                         "└─ child (PID 1)                          1.00s    0 tok  ok\n")

    def test_a_bad_line_costs_itself_only_and_is_said(self):
        self.keep("t1", self.span("root"), more="nonsense\n")
        ran = self.agdb("trace", "show", "t1")
        self.assertIn("1 spans", ran.out)
        self.assertIn("trace t1: 1 line without a span; line 2: ", ran.err)

    def test_the_list_has_files_and_runs_newest_first(self):
        self.keep("ancient", self.span("old root", start=1000))
        self.keep("broken", more="nonsense\n")
        self.record(SCRIPTS / "hello.json")
        ran = self.agdb("trace", "list")
        lines = ran.lines()
        self.assertTrue(lines[0].startswith("TRACE ID"), lines)
        self.assertEqual(len(lines), 4)
        self.assertTrue(lines[3].startswith("ancient "), lines)
        self.assertIn('trace "broken" has no readable span', ran.err)
        listed = self.agdb("trace", "list", "--json").json()
        self.assertEqual([trace["trace_id"] for trace in listed][1], "ancient")
        self.assertEqual(listed[1]["span_count"], 1)

    def test_no_traces(self):
        self.assertEqual(self.agdb("trace", "list").out, "No traces found.\n")
        self.assertEqual(self.agdb("trace", "list", "--json").json(), [])

    def test_every_span_is_shown_whatever_its_ids_say(self):
        self.keep("t1", self.span("root"), self.span("self", "self"), self.span("a", "b"), self.span("b", "a"),
                  self.span("orphan", "gone"), self.span("root", "root"))
        out = self.agdb("trace", "show", "t1").out
        self.assertIn("Outside the tree: 4 spans (parent missing: 1, loops: 2)", out)
        for name in ("self", "a", "b", "orphan"):
            self.assertEqual(out.count(f"─ {name} (PID 1)"), 1)


class Blaming(AgdbCase):
    def test_figures_of_the_reference_and_true_ones_behind(self):
        self.record(TEAM)
        out = self.agdb("trace", "blame", "@").out
        sections = [line.split(" ──")[0][3:] for line in out.splitlines() if line.startswith("── ")]
        self.assertTrue(sections[0].startswith("Critical Path ("), sections)
        self.assertEqual(sections[1:3], ["Duration Hotspots", "Token Hotspots"])
        self.assertIn("Models", sections)
        blame = self.agdb("trace", "blame", "@", "--json").json()
        self.assertGreater(blame["summary"]["critical_path_pct"], 100)
        analysis = blame["analysis"]
        self.assertLessEqual(analysis["critical_path_pct"], 100.000001)
        at = 0
        for piece in analysis["critical_path"]:
            self.assertGreaterEqual(piece["from_ns"], at)
            at = piece["from_ns"] + piece["duration_ns"]
        self.assertGreater(analysis["time"]["parallelism"], 0)
        self.assertGreater(analysis["time"]["waits"], 0)

    def test_a_failure_has_an_origin(self):
        call = {"id": "c1", "name": "read", "arguments": {}, "error": "no such file: x"}
        self.record(self.write("s.json", script([{"text": "", "calls": [call]}, {"text": "done"}])))
        failures = self.agdb("trace", "blame", "@", "--json").json()["analysis"]["failures"]
        self.assertEqual([failure["origin"]["name"] for failure in failures], ["read"])
        self.assertIn("✗ origin  read (PID 1)", self.agdb("trace", "blame", "@").out)

    def test_two_runs_are_compared(self):
        def run(latency, tools):
            turns = [tool_turn(name, latency="1s") for name in tools] + [{"text": "done", "latency": latency}]
            return self.record(self.write("s.json", script(turns)))

        before, after = run("2s", ["ls"]), run("7s", ["ls", "grep"])
        compared = self.agdb("trace", "blame", before, after, "--json").json()
        self.assertGreater(compared["new_spans"], 0)
        self.assertIn("grep", [row["name"] for row in compared["by_name"]])
        text = self.agdb("trace", "blame", before, after).out
        self.assertTrue(text.startswith("Compared:  "), text)
        same = self.agdb("trace", "blame", after, after)
        self.assertIn("No span took longer or shorter.", same.out)


if __name__ == "__main__":
    unittest.main()

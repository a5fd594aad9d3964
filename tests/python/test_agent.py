"""What an agent tells, and what never happens to it: exceptions, waiting, silent losses."""

import asyncio
import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

from agdb_case import SECONDS, SOURCE, AgentCase, agdb


class Registering(AgentCase):
    def test_an_agent_says_what_it_is(self):
        agent = agdb.register("tidy", model="m-2", budget=50000, policy="pause", max_steps=9,
                              record=True)
        agent.flush(SECONDS)
        params = self.daemon.of("agent.register")[-1]
        self.assertEqual(params.pop("client"), "agdb.py " + agdb.__version__)
        self.assertEqual(params, {"intent": "tidy", "protocol": 1, "model": "m-2", "budget": 50000,
                                  "policy": "pause", "max_steps": 9, "record": True})
        self.assertEqual((agent.pid, agent.stats().record_id), (2, "rec-2"))

    def test_a_trace_is_continued_and_handed_on(self):
        outer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        agent = agdb.register("asked by a server", traceparent=outer)
        self.assertEqual(agent.traceparent, "")
        agent.flush(SECONDS)
        self.assertEqual(self.daemon.of("agent.register")[-1]["traceparent"], outer)
        self.assertEqual(agent.traceparent, "00-%032x-%016x-01" % (agent.pid, agent.pid))

    def test_the_environment_names_a_trace_that_an_argument_overrules(self):
        first = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        second = first.replace("b7", "c8")
        with mock.patch.dict(os.environ, {"TRACEPARENT": first}):
            agdb.register("one")
            agdb.register("two", traceparent=second).flush(SECONDS)
        told = [one["traceparent"] for one in self.daemon.of("agent.register")[-2:]]
        self.assertEqual(told, [first, second])

    def test_a_wrong_traceparent_costs_the_place_in_the_trace_only(self):
        for wrong in ("00-zz", "00-%032d-b7ad6b7169203331-01" % 0, 5, "x" * 10000):
            agent = agdb.register("tidy", traceparent=wrong)
            agent.flush(SECONDS)
            self.assertNotIn("traceparent", self.daemon.of("agent.register")[-1])
            self.assertIsNotNone(agent.pid)

    def test_agents_share_a_connection(self):
        agdb.register("another").flush(SECONDS)
        self.assertEqual(len(self.daemon.connections), 1)

    def test_a_child_names_its_parent(self):
        child = self.agent.child("check the links", budget=100)
        grandchild = child.child("open one")
        grandchild.flush(SECONDS)
        params = self.daemon.of("agent.register")[1:]
        self.assertEqual([one["parent"] for one in params], [self.agent.pid, child.pid])

    def test_a_child_of_an_agent_that_is_not_registered_yet_waits_for_its_pid(self):
        parent = agdb.register("parent")
        child = parent.child("child")
        with child.call("First"):
            pass
        child.flush(SECONDS)
        self.assertEqual(self.daemon.of("agent.register")[-1]["parent"], parent.pid)
        self.assertEqual(self.told("agent.call", child)[0]["name"], "First")

    def test_closing_tells_reason_and_code(self):
        self.agent.close("gave up", 3)
        self.agent.flush(SECONDS)
        close = self.daemon.of("agent.close")
        self.assertEqual(close, [{"pid": 1, "exit_code": 3, "reason": "gave up"}])

    def test_closing_twice_tells_once(self):
        self.agent.close()
        self.agent.close()
        self.agent.flush(SECONDS)
        self.assertEqual(len(self.daemon.of("agent.close")), 1)

    def test_what_a_closed_agent_tells_is_counted_as_lost(self):
        self.agent.close()
        with self.agent.call("Late"):
            pass
        self.assertTrue(self.agent.gate())
        self.agent.flush(SECONDS)
        stats = self.agent.stats()
        self.assertEqual((stats.state, stats.told, stats.lost), ("closed", 1, 1))
        self.assertEqual(self.daemon.of("agent.call"), [])

    def test_as_a_context_manager(self):
        with agdb.register("good"):
            pass
        with self.assertRaises(KeyError), agdb.register("bad"):
            raise KeyError("x")
        for code in (None, 0, 3, "usage"):
            with self.assertRaises(SystemExit), agdb.register("exit"):
                sys.exit(code)
        self.agent.flush(SECONDS)
        self.assertEqual([(close["reason"], close["exit_code"])
                          for close in self.daemon.of("agent.close")],
                         [("completed", 0), ("KeyError", 1), ("completed", 0), ("completed", 0),
                          ("SystemExit", 3), ("SystemExit", 1)])

    def test_refused_by_the_daemon(self):
        self.daemon.refuse_register = "too many agents"
        agent = agdb.register("one too many")
        with agent.call("Unheard"):
            pass
        agent.flush(SECONDS)
        stats = agent.stats()
        self.assertEqual((stats.state, stats.told, stats.lost), ("refused", 1, 1))
        self.assert_noticed("the daemon refused the agent 'one too many': too many agents")
        self.assertTrue(agent.gate())

    def test_what_the_daemon_rejected_is_known(self):
        self.daemon.rejected = 4
        self.agent.close()
        self.agent.flush(SECONDS)
        self.assertEqual(self.agent.stats().rejected, 4)


class Calls(AgentCase):
    def only_call(self):
        calls = self.told("agent.call")
        self.assertEqual(len(calls), 1, calls)
        return calls[0]

    def test_arguments_result_and_time(self):
        with self.agent.call("ReadDocs", path="docs/", depth=2) as call:
            call.result = {"files": 3}
        told = self.only_call()
        self.assertGreater(told.pop("timestamp_ns"), 0)
        self.assertGreaterEqual(told.pop("duration_ns"), 0)
        self.assertEqual(told, {"pid": 1, "name": "ReadDocs", "args": {"path": "docs/", "depth": 2},
                                "result": {"files": 3}})

    def test_without_result(self):
        with self.agent.call("Nothing"):
            pass
        self.assertIsNone(self.only_call()["result"])

    def test_an_exception_is_the_error_and_passes_on(self):
        with self.assertRaisesRegex(ValueError, "line 3"), self.agent.call("Lint"):
            raise ValueError("line 3 is too long")
        told = self.only_call()
        self.assertEqual(told["error"], "ValueError: line 3 is too long")
        self.assertNotIn("result", told)

    def test_an_error_that_is_no_exception(self):
        with self.agent.call("Lint") as call:
            call.error = "line 3"
        self.assertEqual(self.only_call()["error"], "line 3")

    def test_arguments_of_any_name(self):
        with self.agent.call("Odd", name="n", self="s", method="m"):
            pass
        self.assertEqual(self.only_call()["args"], {"name": "n", "self": "s", "method": "m"})

    def test_arguments_are_told_as_they_were(self):
        files = ["a.md"]
        with self.agent.call("Sort", files=files):
            files.append("b.md")
        self.assertEqual(self.only_call()["args"], {"files": ["a.md"]})

    def test_what_json_cannot_hold_is_told_as_its_repr(self):
        with self.agent.call("Odd", a=object, b={1, 1}, c=float("nan"), d=b"\0x", e={1: 2},
                             f=2**70, g=(1, None, True), h=pathlib.PurePosixPath("/x")) as call:
            call.result = float("inf")
        told = self.only_call()
        self.assertEqual(told["args"], {"a": "<class 'object'>", "b": [1], "c": "nan",
                                        "d": "b'\\x00x'", "e": {"1": 2}, "f": str(2**70),
                                        "g": [1, None, True], "h": "PurePosixPath('/x')"})
        self.assertEqual(told["result"], "inf")

    def test_a_repr_that_fails(self):
        class Hostile:
            def __repr__(self):
                raise RuntimeError("no")

        with self.agent.call("Odd", it=Hostile()):
            pass
        self.assertEqual(self.only_call()["args"]["it"],
                         "<Hostile: its repr failed: RuntimeError>")

    def test_text_that_is_no_unicode(self):
        with self.agent.call("Open", path="caf\udce9.txt", umlaut="ä€😀\0\n"):
            pass
        self.assertEqual(self.only_call()["args"], {"path": "caf?.txt", "umlaut": "ä€😀\0\n"})

    def test_long_texts_are_cut_and_say_so(self):
        with self.agent.call("Big", text="x" * (agdb.MAX_VALUE + 17)) as call:
            call.result = "y" * agdb.MAX_VALUE
        told = self.only_call()
        text = told["args"]["text"]
        self.assertLess(len(text), agdb.MAX_VALUE + 100)
        self.assertRegex(text, r"x…\[cut: \d+ more characters\]$")
        self.assertLess(len(told["result"]), agdb.MAX_VALUE + 100)

    def test_long_lists_are_cut_and_say_so(self):
        wide = {str(number): number for number in range(10**5)}
        with self.agent.call("Big", many=list(range(10**6)), wide=wide):
            pass
        args = self.only_call()["args"]
        self.assertRegex(args["many"][-1], r"…\[cut: \d+ more items\]")
        self.assertLess(len(args["many"]), agdb.MAX_VALUE)
        self.assertIn("cut", args["…"])

    def test_a_value_that_contains_itself(self):
        cycle = []
        cycle.append(cycle)
        with self.agent.call("Cycle", cycle=cycle):
            pass
        self.assertIn("nested deeper than %d" % agdb.MAX_DEPTH, str(self.only_call()["args"]))


class Tools(AgentCase):
    def only_tool(self):
        tools = self.told("agent.tool")
        self.assertEqual(len(tools), 1, tools)
        return tools[0]

    def test_a_function(self):
        @self.agent.tool
        def search(query, limit=10):
            """Finds."""
            return "two hits"

        self.assertEqual(search("agdb"), "two hits")
        self.assertEqual((search.__name__, search.__doc__), ("search", "Finds."))
        told = self.only_tool()
        self.assertEqual((told["name"], told["args"], told["result"]),
                         ("search", {"query": "agdb"}, "two hits"))

    def test_results_are_text(self):
        @self.agent.tool(name="lookup")
        def find(key):
            return {"key": key, "n": 2}

        find("k")
        self.assertEqual((self.only_tool()["name"], self.only_tool()["result"]),
                         ("lookup", '{"key":"k","n":2}'))

    def test_an_exception_passes_on(self):
        @self.agent.tool
        def fail():
            raise OSError("disk full")

        with self.assertRaisesRegex(OSError, "disk full"):
            fail()
        self.assertEqual(self.only_tool()["error"], "OSError: disk full")

    def test_wrong_arguments_are_the_tools_own_error(self):
        @self.agent.tool
        def one(a):
            return a

        with self.assertRaises(TypeError):
            one(1, 2, b=3)
        self.assertEqual(self.only_tool()["args"], {"args": [1, 2], "b": 3})

    def test_a_method(self):
        agent = self.agent

        class Shelf:
            @agent.tool
            def take(self, book):
                return book

        self.assertEqual(Shelf().take("b"), "b")
        self.assertEqual(self.only_tool()["args"], {"book": "b"})

    def test_a_coroutine(self):
        @self.agent.tool
        async def fetch(url):
            await asyncio.sleep(0)
            return "page of " + url

        self.assertTrue(asyncio.iscoroutinefunction(fetch))
        self.assertEqual(asyncio.run(fetch("u")), "page of u")
        self.assertEqual(self.only_tool()["result"], "page of u")

    def test_coroutines_at_once(self):
        @self.agent.tool
        async def double(n):
            await asyncio.sleep(0)
            return 2 * n

        async def all_of_them():
            return await asyncio.gather(*(double(n) for n in range(50)))

        self.assertEqual(asyncio.run(all_of_them()), [2 * n for n in range(50)])
        told = self.told("agent.tool")
        self.assertEqual(sorted((one["args"]["n"], one["result"]) for one in told),
                         [(n, str(2 * n)) for n in range(50)])

    def test_a_cancelled_coroutine(self):
        @self.agent.tool
        async def forever():
            await asyncio.get_running_loop().create_future()

        async def cancelled():
            task = asyncio.ensure_future(forever())
            await asyncio.sleep(0)
            task.cancel()
            await task

        with self.assertRaises(asyncio.CancelledError):
            asyncio.run(cancelled())
        self.assertEqual(self.only_tool()["error"], "CancelledError")

    def test_a_generator(self):
        @self.agent.tool
        def count(n):
            got = yield from range(n)
            return got

        self.assertEqual(list(count(3)), [0, 1, 2])
        self.assertEqual(self.only_tool()["result"], "[0,1,2]")

    def test_a_generator_that_is_sent_to_and_closed(self):
        ends = []

        @self.agent.tool
        def echo():
            got = 0
            try:
                while True:
                    got = yield got
            finally:
                ends.append(got)

        generator = echo()
        self.assertEqual([next(generator), generator.send(7)], [0, 7])
        generator.close()
        self.assertEqual(ends, [7])
        told = self.only_tool()
        self.assertEqual(told["result"], "[0,7]")
        self.assertNotIn("error", told)

    def test_a_generator_that_fails(self):
        @self.agent.tool
        def broken():
            yield 1
            raise ValueError("second")

        with self.assertRaisesRegex(ValueError, "second"):
            list(broken())
        self.assertEqual(self.only_tool()["error"], "ValueError: second")

    def test_an_async_generator(self):
        @self.agent.tool
        async def pages():
            yield "a"
            yield "b"

        async def collect():
            return [page async for page in pages()]

        self.assertEqual(asyncio.run(collect()), ["a", "b"])
        self.assertEqual(self.only_tool()["result"], '["a","b"]')

    def test_tool_call(self):
        with self.agent.tool_call("ls", path="docs/") as call:
            call.result = "a.md"
        self.assertEqual((self.only_tool()["name"], self.only_tool()["result"]), ("ls", "a.md"))


class Contexts(AgentCase):
    USER = {"role": "user", "content": "hello"}
    ANSWER = {"role": "assistant", "content": "hi"}

    def test_only_what_changed_is_sent(self):
        self.agent.context([self.USER], "Be brief.")
        self.agent.context([self.USER, self.ANSWER], "Be brief.")
        self.agent.context([self.USER, self.ANSWER], "Be brief.")
        self.agent.context([self.ANSWER], "Be long.")
        self.assertEqual(self.told("agent.context"), [
            {"pid": 1, "ctx_id": 1, "system_prompt": "Be brief.", "messages": [self.USER]},
            {"pid": 1, "ctx_id": 1, "keep": 1, "messages": [self.ANSWER]},
            {"pid": 1, "ctx_id": 1, "system_prompt": "Be long.", "messages": [self.ANSWER]}])

    def test_shortened_and_edited(self):
        self.agent.context([self.USER, self.ANSWER, self.USER])
        self.agent.context([self.USER])
        self.agent.context([])
        self.assertEqual([(one.get("keep"), one["messages"]) for one in
                          self.told("agent.context")[1:]], [(1, []), (None, [])])

    def test_contexts_of_one_agent(self):
        self.agent.context([self.USER], ctx_id=1)
        self.agent.context([self.ANSWER], ctx_id=2)
        self.assertEqual([one["ctx_id"] for one in self.told("agent.context")], [1, 2])

    def test_the_system_prompt_may_stand_in_the_messages(self):
        self.agent.context([{"role": "system", "content": "S"},
                            {"role": "developer", "content": "D"}, self.USER])
        told = self.told("agent.context")[0]
        self.assertEqual((told["system_prompt"], told["messages"]), ("S\nD", [self.USER]))

    def test_one_that_was_dropped_is_told_as_a_whole_the_next_time(self):
        self.agent.context([self.USER])
        self.told("agent.context")
        with mock.patch.object(agdb, "MAX_QUEUED_BYTES", 100):
            self.agent.context([self.USER, dict(self.ANSWER, content="x" * 200)])
        self.agent.context([self.USER, self.ANSWER])
        told = self.told("agent.context")
        self.assertEqual(len(told), 2)
        self.assertEqual((told[1].get("keep"), told[1]["messages"]),
                         (None, [self.USER, self.ANSWER]))

    def test_forms_of_messages(self):
        call = {"id": "c1", "name": "ls", "arguments": {"path": "."}}
        picture = {"type": "image", "source": {"media_type": "image/png", "data": "AAAA"}}
        for given, told in (
            ({"role": "assistant", "content": None, "tool_calls": [
                {"id": "c1", "type": "function",
                 "function": {"name": "ls", "arguments": '{"path": "."}'}}]},
             [{"role": "assistant", "content": "", "tool_calls": [call]}]),
            ({"role": "assistant", "content": "", "tool_calls": [call]},
             [{"role": "assistant", "content": "", "tool_calls": [call]}]),
            ({"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Look:"},
                {"type": "tool_use", "id": "c1", "name": "ls", "input": {"path": "."}}]},
             [{"role": "assistant", "content": "Look:", "tool_calls": [call]}]),
            ({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "a.md"},
                {"type": "tool_result", "tool_use_id": "c2",
                 "content": [{"type": "text", "text": "b"}, picture]},
                {"type": "text", "text": "And now?"}]},
             [{"role": "tool", "content": "a.md", "tool_call_id": "c1"},
              {"role": "tool", "content": "b\n[image image/png, 3 bytes]",
               "tool_call_id": "c2"},
              {"role": "user", "content": "And now?"}]),
            ({"role": "tool", "content": "out", "tool_call_id": "c1", "name": "ls"},
             [{"role": "tool", "content": "out", "name": "ls", "tool_call_id": "c1"}]),
            ({"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]},
             [{"role": "user", "content": "[image https://example.org/a.png]"}]),
            ({"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/gif;base64,AAAAAA=="}}]},
             [{"role": "user", "content": "[image image/gif, 4 bytes]"}]),
            ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
             [{"role": "user", "content": "[input_audio]"}]),
            ({"type": "function_call", "call_id": "c1", "name": "ls",
              "arguments": '{"path":"."}'},
             [{"role": "assistant", "content": "", "tool_calls": [call]}]),
            ({"type": "function_call_output", "call_id": "c1", "output": "a.md"},
             [{"role": "tool", "content": "a.md", "tool_call_id": "c1"}]),
            ("hello", [self.USER]),
        ):
            with self.subTest(given=given):
                messages = agdb._read_messages([given])
                self.assertEqual([agdb.json.loads(one.json()) for one in messages], told)

    def test_arguments_that_are_no_json_stay_text(self):
        self.agent.context([{"role": "assistant", "tool_calls": [
            {"id": "1", "function": {"name": "ls", "arguments": "{broken"}}]}])
        self.assertEqual(self.told("agent.context")[0]["messages"][0]["tool_calls"][0]["arguments"],
                         "{broken")

    def test_messages_that_are_none(self):
        self.agent.context([None, 7, {}, {"role": 3, "content": 4}, {"type": "reasoning"},
                            {"type": "item_reference", "id": "x"}])
        self.assertEqual(len(self.told("agent.context")), 1)


class Responses(AgentCase):
    def test_all_that_can_be_said(self):
        self.agent.response("Done.", model="m-1", request_tokens=120, response_tokens=30,
                            tool_calls=[{"id": "c", "name": "ls", "arguments": {}}],
                            stop_reason="end_turn", cache_read_tokens=5, cache_creation_tokens=6,
                            time_to_first_token_ns=7, duration_ns=8, cost_usd=0.5, error="late")
        told = self.told("agent.response")[0]
        self.assertGreater(told.pop("timestamp_ns"), 0)
        self.assertEqual(told, {
            "pid": 1, "model": "m-1", "request_tokens": 120, "response_tokens": 30,
            "content": "Done.", "tool_calls": [{"id": "c", "name": "ls", "arguments": {}}],
            "stop_reason": "end_turn", "cache_read_tokens": 5, "cache_creation_tokens": 6,
            "time_to_first_token": 7, "duration_ns": 8, "cost_usd": 0.5, "error": "late"})


class Gates(AgentCase):
    def test_go(self):
        gate = self.agent.gate()
        self.assertTrue(gate.go and gate)
        self.assertEqual(self.daemon.of("agent.gate"), [{"pid": 1, "wait": False}])

    def test_stop(self):
        self.daemon.gate = lambda params: {"go": False, "reason": "budget_exceeded"}
        gate = self.agent.gate()
        self.assertFalse(gate)
        self.assertEqual(gate.reason, "budget_exceeded")

    def test_paused_until_somebody_says_go_on(self):
        self.daemon.gate = lambda params: None if params["wait"] else {"go": False,
                                                                       "reason": "suspended"}
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(self.agent.gate()))
        waiter.start()
        self.daemon.wait_of("agent.gate", 2)
        self.assertEqual(answers, [])
        self.daemon.open_gate({"go": True})
        waiter.join(SECONDS)
        self.assertEqual(answers, [agdb.Gate(True)])

    def test_paused_and_ended(self):
        self.daemon.gate = lambda params: {"go": False, "reason": "killed" if params["wait"]
                                           else "suspended"}
        self.assertEqual(self.agent.gate(), agdb.Gate(False, "killed"))

    def test_still_paused_at_the_timeout(self):
        self.daemon.gate = lambda params: None if params["wait"] else {"go": False,
                                                                       "reason": "suspended"}
        self.assertEqual(self.agent.gate(timeout=0), agdb.Gate(False, "suspended"))

    def test_a_daemon_that_goes_away_lets_the_agent_go_on(self):
        self.daemon.gate = lambda params: None if params["wait"] else {"go": False,
                                                                       "reason": "suspended"}
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(self.agent.gate()))
        waiter.start()
        self.daemon.wait_of("agent.gate", 2)
        self.daemon.hang_up()
        waiter.join(SECONDS)
        self.assertEqual(answers, [agdb.Gate(True)])

    def test_a_daemon_that_does_not_answer_holds_nobody(self):
        self.daemon.gate = lambda params: None
        with mock.patch.object(agdb, "GATE_SECONDS", 0):
            self.assertTrue(self.agent.gate())

    def test_an_answer_that_is_none(self):
        self.daemon.gate = lambda params: {"go": "perhaps"}
        self.assertTrue(self.agent.gate())

    def test_coroutines_do_not_hold_the_event_loop(self):
        self.daemon.gate = lambda params: None if params["wait"] else {"go": False,
                                                                       "reason": "suspended"}

        async def both():
            gate = asyncio.ensure_future(self.agent.gate_async())
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self.daemon.wait_of, "agent.gate", 2)
            self.daemon.open_gate({"go": False, "reason": "terminated"})
            return await gate

        self.assertEqual(asyncio.run(both()), agdb.Gate(False, "terminated"))


class Losses(AgentCase):
    def fill(self, until):
        """Tells until that many are lost, of a daemon that does not read."""
        number = 0
        while self.agent.stats().lost < until:
            number += 1
            with self.agent.call("Fill", n=number, pad="x" * 1000):
                pass
        return number

    def test_a_daemon_that_does_not_read_costs_events_and_no_time(self):
        self.daemon.reads.clear()
        with mock.patch.object(agdb, "MAX_QUEUED_EVENTS", 50):
            told = self.fill(until=20)
            self.assertLessEqual(len(self.agent._link._queue), 50)
        self.daemon.reads.set()
        self.daemon.wait_for(lambda: "AgdbLost" in [
            message["params"].get("name") for message in self.daemon.messages])
        calls = self.told("agent.call")
        lost = sum(call["args"]["events"] for call in calls if call["name"] == "AgdbLost")
        filled = [call["args"]["n"] for call in calls if call["name"] == "Fill"]
        self.assertEqual(lost, 20)
        self.assertEqual(calls[-1]["name"], "AgdbLost")
        self.assertEqual(len(filled), told - 20)
        self.assertEqual(filled, sorted(filled))
        stats = self.agent.stats()
        self.assertEqual((stats.told, stats.sent, stats.lost), (told, told - 20, 20))

    def test_bytes_are_bounded_too(self):
        self.daemon.reads.clear()
        with mock.patch.object(agdb, "MAX_QUEUED_BYTES", 10_000):
            self.fill(until=3)
            self.assertLessEqual(self.agent._link._queued_bytes, 10_000)
        self.daemon.reads.set()
        self.daemon.wait_for(lambda: "AgdbLost" in str(self.daemon.messages))

    def test_a_loss_is_told_where_it_is(self):
        for name, room in (("Before", 10), ("Lost", 0), ("Lost", 0), ("After", 10)):
            with self.agent._link.lock, mock.patch.object(agdb, "MAX_QUEUED_EVENTS", room):
                with self.agent.call(name):
                    pass
        calls = [call["name"] for call in self.told("agent.call")]
        self.assertEqual([name for name in calls if name != "AgdbLost"], ["Before", "After"])
        self.assertEqual((calls[0], calls[-1]), ("Before", "After"))

    def test_a_loss_is_told_though_nothing_follows(self):
        with mock.patch.object(agdb, "MAX_QUEUED_EVENTS", 0), self.agent.call("Lost"):
            pass
        lost = self.daemon.wait_of("agent.call")[0]
        self.assertEqual((lost["name"], lost["args"]), ("AgdbLost", {"events": 1}))

    def test_requests_find_room_in_a_full_queue(self):
        with mock.patch.object(agdb, "MAX_QUEUED_EVENTS", 0):
            self.assertTrue(self.agent.gate())
            self.agent.close()
            self.assertTrue(self.agent.flush(SECONDS))
        self.assertEqual(len(self.daemon.of("agent.close")), 1)

    def test_a_daemon_that_dies_in_the_middle(self):
        self.daemon.hang_up()
        self.wait_gone()
        with self.agent.call("Unheard") as call:
            call.result = 1
        self.assertTrue(self.agent.gate())
        self.assertFalse(self.agent.flush(0))
        self.agent.close()
        stats = self.agent.stats()
        self.assertEqual((stats.state, stats.told, stats.lost), ("gone", 1, 1))
        self.assert_noticed("the daemon at %s went away" % self.daemon.path)

    def test_what_waited_when_it_died_is_lost(self):
        self.daemon.reads.clear()
        for number in range(500):
            with self.agent.call("Fill", pad="x" * 1000):
                pass
        self.daemon.hang_up()
        self.daemon.reads.set()
        self.wait_gone()
        stats = self.agent.stats()
        self.assertEqual(stats.told, 500)
        self.assertEqual(stats.sent + stats.lost, 500)
        self.assertGreater(stats.lost, 0)

    def test_a_later_register_tries_anew(self):
        self.daemon.hang_up()
        self.wait_gone()
        again = agdb.register("again")
        self.assertTrue(again.flush(SECONDS))
        self.assertEqual(again.stats().state, "registered")
        self.assertEqual(self.agent.stats().state, "gone")

    def test_a_daemon_that_speaks_something_else(self):
        self.daemon.connections[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.wait_gone()
        self.assertEqual(self.agent.stats().state, "gone")

    def test_lines_that_mean_nothing_to_an_agent(self):
        self.daemon.connections[0].sendall(
            b'\r\n\n[]\n7\n{"jsonrpc":"2.0","method":"strace.event","params":{}}\n'
            b'{"jsonrpc":"2.0","id":999,"result":{}}\n{"id":{},"result":1}\n{"id":null}\n')
        self.assertTrue(self.agent.gate())

    def test_threads(self):
        def work(worker):
            for number in range(200):
                with self.agent.call("Work", worker=worker, number=number) as call:
                    call.result = number

        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(SECONDS)
        numbers = collections.defaultdict(list)
        for call in self.told("agent.call"):
            numbers[call["args"]["worker"]].append(call["args"]["number"])
        self.assertEqual(dict(numbers), {worker: list(range(200)) for worker in range(8)})

    def test_a_fault_of_the_client_does_not_reach_the_agent(self):
        with mock.patch.object(agdb, "_dump", side_effect=RuntimeError("a bug")):
            with self.agent.call("Anything"):
                pass
            self.agent.response("x")
        self.assertEqual(self.agent.stats().faults, 2)
        self.assertEqual(self.agent.stats().last_fault, "RuntimeError: a bug")
        self.assert_noticed("RuntimeError: a bug while telling of the agent")
        self.agent._faults, self.agent._last_fault = 0, ""


PROGRAM = "import agdb, os, sys\nagent = agdb.register('program')\n"


class Programs(AgentCase):
    """From a program's beginning to its end."""

    def ended(self, count=1):
        return [(close["reason"], close["exit_code"])
                for close in self.daemon.wait_of("agent.close", count)]

    def test_what_is_queued_at_the_end_arrives(self):
        self.program(PROGRAM + "for n in range(100):\n  with agent.call('Step', n=n): pass\n")
        self.assertEqual(self.ended(), [("completed", 0)])
        calls = self.daemon.of("agent.call")
        self.assertEqual([call["args"]["n"] for call in calls], list(range(100)))

    def test_children_end_before_their_parents(self):
        self.program(PROGRAM + "child = agent.child('child')\n")
        self.ended(2)
        closed = [close["pid"] for close in self.daemon.of("agent.close")]
        self.assertEqual(closed, sorted(closed, reverse=True))

    def test_an_uncaught_exception_is_the_reason(self):
        done = self.program(PROGRAM + "raise LookupError('gone')\n", expect=1)
        self.assertEqual(self.ended(), [("LookupError", 1)])
        self.assertIn("LookupError: gone", done.stderr)

    def test_the_programs_own_excepthook_still_runs(self):
        done = self.program("import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\n"
                            + PROGRAM + "1/0\n", expect=1)
        self.assertEqual(done.stdout, "mine ZeroDivisionError\n")
        self.assertEqual(self.ended(), [("ZeroDivisionError", 1)])

    def test_no_daemon_is_one_notice(self):
        text = (PROGRAM + "other = agdb.register('another')\n"
                "with agent.call('Unheard', path='x') as call: call.result = 1\n"
                "@agent.tool\ndef double(n): return 2 * n\n"
                "class Client:\n  class messages:\n    create = lambda **request: 'answer'\n"
                "print(double(4), bool(agent.gate()))\n"
                "print(agdb.wrap(Client()).messages.create(messages=[]))\n"
                "agent.flush()\n"
                "print(agent.stats().state, agent.stats().told == agent.stats().lost)\n")
        done = self.program(text, socket="/nonexistent/agdb.sock")
        self.assertEqual(done.stdout, "8 True\nanswer\nno daemon True\n")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, "^agdb: no daemon answers at /nonexistent/agdb.sock .*"
                                      "agdb serve --detach")

    def test_a_socket_path_that_is_too_long_is_no_daemon(self):
        done = self.program(PROGRAM + "agent.flush(); print(agent.stats().state)\n",
                            socket="/tmp/" + "x" * 200)
        self.assertEqual(done.stdout, "no daemon\n")

    def test_without_stderr(self):
        self.program("import sys\nsys.stderr = None\n" + PROGRAM + "agent.flush()\n",
                     socket="/nonexistent/agdb.sock")

    def test_a_daemon_that_never_answers_does_not_hold_the_programs_end(self):
        self.daemon.reads.clear()
        self.program("import agdb\nagdb.EXIT_SECONDS = 0\n" + PROGRAM)

    def test_wrap_without_register_makes_an_agent_of_the_programs_name(self):
        self.program("import agdb\nclass Client: messages = None\nagdb.wrap(Client())\n")
        self.ended()
        self.assertEqual(self.daemon.of("agent.register")[-1]["intent"], "-c")

    @unittest.skipUnless(hasattr(os, "fork"), "only where there is fork")
    def test_a_forks_child_is_not_the_parents_agent(self):
        done = self.program(PROGRAM + """
agent.flush()
if os.fork() == 0:
    with agent.call('Unheard'): pass
    print(agent.stats().state, bool(agent.gate()), agent.flush(0))
    agent.close()
    own = agdb.register('child')
    with own.call('Heard'): pass
    sys.stdout.flush()
    sys.exit(0)
os.wait()
with agent.call('Parent'): pass
""")
        self.assertEqual(done.stdout, "forked True False\n")
        self.ended(2)
        self.assertEqual([one["intent"] for one in self.daemon.of("agent.register")[1:]],
                         ["program", "child"])
        self.assertEqual([call["name"] for call in self.daemon.of("agent.call")],
                         ["Heard", "Parent"])

    @unittest.skipUnless(hasattr(os, "fork"), "only where there is fork")
    def test_a_parents_end_is_seen_while_its_child_lives(self):
        program = PROGRAM + """
agent.flush()
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
os._exit(0)
"""
        environment = dict(os.environ, PYTHONPATH=str(SOURCE / "tools" / "python"))
        with subprocess.Popen([sys.executable, "-B", "-c", program], env=environment,
                              stdin=subprocess.PIPE) as process:
            process.wait(SECONDS)
            self.daemon.wait_for(lambda: self.daemon.disconnected == 1)
            process.stdin.close()

    def test_where_the_socket_is(self):
        with tempfile.TemporaryDirectory() as folder:
            for environment, path in (
                ({"AGDB_SOCKET": "/x/y"}, "/x/y"),
                ({"XDG_RUNTIME_DIR": folder}, folder + "/agdb/agdb.sock"),
                ({"AGDB_SOCKET": "", "XDG_RUNTIME_DIR": ""},
                 "/tmp/agdb-%d/agdb.sock" % os.getuid()),
            ):
                with self.subTest(environment), mock.patch.dict(os.environ, environment):
                    if "AGDB_SOCKET" not in environment:
                        del os.environ["AGDB_SOCKET"]
                    self.assertEqual(agdb._socket_path(), path)


class Example(AgentCase):
    """tools/python/example_agent.py."""

    def run_example(self, *words, expect=0, **environment):
        done = subprocess.run(
            [sys.executable, "-B", str(SOURCE / "tools" / "python" / "example_agent.py"), *words],
            env=dict(os.environ, **environment), text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def test_it_tells_what_it_does(self):
        done = self.run_example("--budget", "90000", "--record")
        self.assertEqual(done.stderr, "")
        self.daemon.wait_of("agent.close", 2)
        main, helper = self.daemon.of("agent.register")[1:]
        self.assertEqual((main["budget"], main["record"]), (90000, True))
        self.assertEqual(helper["parent"], 2)
        self.assertEqual([len(self.daemon.of("agent.response", pid)) for pid in (2, 3)], [9, 2])
        tools = self.daemon.of("agent.tool", 2)
        self.assertEqual([tool["name"] for tool in tools],
                         ["list_files", "read_file", "read_file", "read_file", "ask_helper",
                          "write_file", "write_file", "delete_file", "delete_file"])
        self.assertEqual([tool["error"] for tool in tools if "error" in tool],
                         ["FileNotFoundError: docs/older.md"])

    def test_it_stops_when_it_is_told_to(self):
        self.daemon.gate = lambda params: {"go": False, "reason": "terminated"}
        done = self.run_example(expect=1)
        self.assertEqual(done.stdout, "stopped: terminated\n")
        close = self.daemon.wait_of("agent.close")[0]
        self.assertEqual((close["reason"], close["exit_code"]), ("terminated", 1))

    def test_it_works_without_a_daemon(self):
        done = self.run_example(AGDB_SOCKET="/nonexistent/agdb.sock")
        self.assertIn("Done: a faq is there", done.stdout)
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()

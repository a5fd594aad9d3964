#!/usr/bin/env python3
"""An agent to try agdb.py with: it tidies the docs of a project, and needs no network.

    agdb serve --detach
    python3 tools/python/example_agent.py --delay 2 &
    agdb ps --forest
    agdb strace -f -p 1

Its model is a script with the shape of OpenAI's client, its documents live in memory. All else is
as in a real agent: a loop of model calls and tool calls, a helper for a part of the work, and a
question at the top of the loop whether it may go on. Watch, pause, resume or end it from outside.
"""

import argparse
import json
import sys
import time
from types import SimpleNamespace
from typing import Any, Callable, Dict, List, Optional, Tuple

import agdb

MODEL = "scripted-1"

DOCS = {
    "docs/install.md": "# Install\n\nRun setup.sh.  See [usage](usage.md).\n",
    "docs/usage.md": "# Usage\n\nagdb run hello.json\n\nSee [faq](faq.md).\n",
    "docs/old.md": "# Old notes\n\nNothing of this holds any more.\n",
}

# What the model answers: a text, and the tools that it wants called.
Turn = Tuple[str, List[Tuple[str, Dict[str, Any]]]]

TIDY: List[Turn] = [
    ("I look at what there is.", [("list_files", {"folder": "docs/"})]),
    ("I read them.", [("read_file", {"path": "docs/install.md"}),
                      ("read_file", {"path": "docs/usage.md"})]),
    ("That one looks outdated.", [("read_file", {"path": "docs/old.md"})]),
    ("Somebody should check the links.", [("ask_helper", {"task": "check the links in docs/"})]),
    ("There is no faq yet; I write one.",
     [("write_file", {"path": "docs/faq.md", "text": "# Questions\n\nNone so far.\n"})]),
    ("And the double space goes.",
     [("write_file", {"path": "docs/install.md",
                      "text": "# Install\n\nRun setup.sh. See [usage](usage.md).\n"})]),
    # A tool that fails, as they do.
    ("Now the outdated one.", [("delete_file", {"path": "docs/older.md"})]),
    ("I mistyped the name.", [("delete_file", {"path": "docs/old.md"})]),
    ("Done: a faq is there, a typo and an outdated page are gone.", []),
]

CHECK_LINKS: List[Turn] = [
    ("I read the pages that have links.", [("read_file", {"path": "docs/install.md"}),
                                           ("read_file", {"path": "docs/usage.md"})]),
    ("docs/usage.md links to docs/faq.md, which is missing.", []),
]


class ScriptedModel:
    """A client of OpenAI's shape: `chat.completions.create(model=..., messages=...)`."""

    def __init__(self, turns: List[Turn], delay: float) -> None:
        self.turns = turns
        self.delay = delay  # seconds that an answer takes
        self.chat = SimpleNamespace(completions=self)

    def create(self, *, model: str, messages: List[Any]) -> SimpleNamespace:
        time.sleep(self.delay)
        number = sum(1 for message in messages if role_of(message) == "assistant")
        text, wanted = self.turns[number]
        calls = []
        for index, (name, arguments) in enumerate(wanted):
            function = SimpleNamespace(name=name, arguments=json.dumps(arguments))
            calls.append(SimpleNamespace(id="call_%d_%d" % (number + 1, index), type="function",
                                         function=function))
        asked = sum(len(str(message)) for message in messages) // 4
        answered = len(text) // 4 + 20 * len(calls)
        message = SimpleNamespace(role="assistant", content=text, tool_calls=calls or None)
        return SimpleNamespace(
            model=model,
            choices=[SimpleNamespace(index=0, message=message,
                                     finish_reason="tool_calls" if calls else "stop")],
            usage=SimpleNamespace(prompt_tokens=asked, completion_tokens=answered,
                                  total_tokens=asked + answered))


def role_of(message: Any) -> str:
    return message["role"] if isinstance(message, dict) else message.role


def tools_of(agent: agdb.Agent, docs: Dict[str, str],
             ask_helper: Optional[Callable[[str], str]]) -> Dict[str, Callable[..., str]]:
    """What the model may call. The decorator tells each call with its arguments and its result."""

    @agent.tool
    def list_files(folder: str) -> str:
        return "\n".join(sorted(path for path in docs if path.startswith(folder)))

    @agent.tool
    def read_file(path: str) -> str:
        return docs[path]

    @agent.tool
    def write_file(path: str, text: str) -> str:
        docs[path] = text
        return "written: %d bytes" % len(text)

    @agent.tool
    def delete_file(path: str) -> str:
        if path not in docs:
            raise FileNotFoundError(path)
        del docs[path]
        return "deleted"

    tools = {tool.__name__: tool for tool in (list_files, read_file, write_file, delete_file)}
    if ask_helper is not None:
        tools["ask_helper"] = agent.tool(name="ask_helper")(ask_helper)
    return tools


def run(agent: agdb.Agent, model: ScriptedModel, prompt: str, task: str,
        tools: Dict[str, Callable[..., str]]) -> str:
    """The loop: ask the model, call what it wants, until it wants nothing more."""
    # From here on each model call is told: the context, the answer, tokens and time.
    client = agent.wrap(model)
    messages: List[Any] = [{"role": "system", "content": prompt},
                           {"role": "user", "content": task}]
    while True:
        # Waits here while somebody has paused the agent, or while its budget holds it.
        gate = agent.gate()
        if not gate:
            agent.close(gate.reason, exit_code=1)
            return "stopped: " + gate.reason
        message = client.chat.completions.create(model=MODEL, messages=messages).choices[0].message
        messages.append(message)
        print("[%s] %s" % (agent.intent, message.content), flush=True)
        for call in message.tool_calls or ():
            messages.append({"role": "tool", "tool_call_id": call.id,
                             "content": answer_of(tools, call.function)})
        if not message.tool_calls:
            return str(message.content)


def answer_of(tools: Dict[str, Callable[..., str]], function: Any) -> str:
    """What the model gets to read, be it an error."""
    try:
        return tools[function.name](**json.loads(function.arguments))
    except Exception as error:
        return "error: %s: %s" % (type(error).__name__, error)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS",
                        help="how long each of the 11 answers of the model takes (default 0)")
    parser.add_argument("--budget", type=int, default=0, metavar="TOKENS",
                        help="how many tokens it may use (default: any number)")
    parser.add_argument("--policy", choices=("kill", "pause", "warn"), default="kill",
                        help="what happens when they are spent (default kill)")
    parser.add_argument("--record", action="store_true", help="record it from the beginning")
    arguments = parser.parse_args()
    docs = dict(DOCS)

    # Closed at the end of the block; with the exception's type, if one passes through.
    with agdb.register("tidy the docs", model=MODEL, budget=arguments.budget,
                       policy=arguments.policy, record=arguments.record) as agent:

        def ask_helper(task: str) -> str:
            with agent.child(task, model=MODEL) as helper:
                return run(helper, ScriptedModel(CHECK_LINKS, arguments.delay),
                           "You check links.", task, tools_of(helper, docs, None))

        result = run(agent, ScriptedModel(TIDY, arguments.delay), "You tidy documentation.",
                     "Tidy the docs.", tools_of(agent, docs, ask_helper))
        print(result)
        if result.startswith("stopped: "):
            return 1
        # What is neither a model's nor a tool's call is told as a call of any name.
        with agent.call("Publish", pages=sorted(docs)) as call:
            call.result = {"published": len(docs)}
        return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Counts what agents did in session logs of Claude Code and in OpenAI-style message files.

Prints one JSON object per file. It shares no code and no idea with the importers that it checks;
README.md beside it says how every count is defined.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from pathlib import Path

SYNTHETIC_MODEL = "<synthetic>"


@dataclasses.dataclass
class Counts:
    """What one agent, or several agents together, did."""

    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    compactions: int = 0
    greetings: int = 0
    model_calls: int = 0
    request_tokens: int = 0
    response_tokens: int = 0
    synthetic_answers: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    tool_results: int = 0
    user_messages: int = 0
    user_tool_calls: int = 0


def total(parts):
    """The field-wise sum of many Counts."""
    parts = list(parts)
    names = [field.name for field in dataclasses.fields(Counts)]
    return Counts(**{name: sum(getattr(part, name) for part in parts) for name in names})


def as_dict(value):
    return value if isinstance(value, dict) else {}


def as_list(value):
    return value if isinstance(value, list) else []


def dicts_in(value):
    return [item for item in as_list(value) if isinstance(item, dict)]


def number(mapping, name):
    """A token count; what is missing or null counts as none."""
    value = mapping.get(name)
    return value if isinstance(value, int) else 0


def report(name, log_format, runs, root, children=(), **more):
    """The object printed for one file."""
    return {
        "file": name,
        "format": log_format,
        "runs": runs,
        "processes": runs + len(children),
        "root": dataclasses.asdict(root),
        "children": dataclasses.asdict(total(children)),
        "lines_not_json": 0,
        "extra_objects_on_a_line": 0,
        **more,
    }


# JSON Lines


@dataclasses.dataclass
class Lines:
    """The objects of a JSON Lines text, in file order, and what was wrong with its lines."""

    records: list = dataclasses.field(default_factory=list)
    not_json: int = 0
    extra_objects: int = 0


def read_lines(path):
    """Decodes value after value, so two objects on a line and one over several lines both count."""
    text = path.read_text(encoding="utf-8", errors="replace")
    decoder = json.JSONDecoder()
    blank = re.compile(r"\s*")
    lines = Lines()
    end = 0
    while True:
        start = blank.match(text, end).end()
        if start == len(text):
            return lines
        follows = end > 0 and "\n" not in text[end:start]
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = None, end_of_line(text, start)
        if isinstance(value, dict):
            lines.records.append(value)
            lines.extra_objects += follows
        else:
            lines.not_json += 1


def end_of_line(text, position):
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline


# Claude Code


def is_conversation(record):
    return record.get("type") in ("user", "assistant")


def message_of(record):
    return as_dict(record.get("message"))


def blocks_of(record):
    """The content blocks of a record; a content that is a string is one text block."""
    content = message_of(record).get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return dicts_in(content)


def without_repeats(records):
    """Records in file order, each uuid once."""
    seen = set()
    for record in records:
        uuid = record.get("uuid")
        if uuid is None or uuid not in seen:
            seen.add(uuid)
            yield record


def answers_of(records):
    """Message id -> the usage it ended with, for the assistant messages of these records.

    The lines of one message repeat its usage while output_tokens grows to the final number.
    """
    usages = {}
    for record in records:
        message = message_of(record)
        key = message.get("id") or record.get("uuid") or id(record)
        usage = as_dict(message.get("usage"))
        grown = number(usage, "output_tokens") >= number(usages.get(key, {}), "output_tokens")
        if key not in usages or grown:
            usages[key] = usage
    return usages


def is_user_message(record):
    """Text or images from outside: neither bare tool results nor a compaction's summary."""
    if record.get("isCompactSummary"):
        return False
    return any(block.get("type") != "tool_result" for block in blocks_of(record))


def count_transcript(records):
    """Counts for the transcript of one agent."""
    records = list(without_repeats(records))
    assistant = [record for record in records if record.get("type") == "assistant"]
    user = [record for record in records if record.get("type") == "user"]
    synthetic = [r for r in assistant if message_of(r).get("model") == SYNTHETIC_MODEL]
    answers = answers_of([r for r in assistant if message_of(r).get("model") != SYNTHETIC_MODEL])
    results = [b for r in user for b in blocks_of(r) if b.get("type") == "tool_result"]
    created = sum(number(usage, "cache_creation_input_tokens") for usage in answers.values())
    read = sum(number(usage, "cache_read_input_tokens") for usage in answers.values())
    uncached = sum(number(usage, "input_tokens") for usage in answers.values())
    return Counts(
        cache_creation_tokens=created,
        cache_read_tokens=read,
        compactions=sum(record.get("subtype") == "compact_boundary" for record in records),
        model_calls=len(answers),
        request_tokens=uncached + created + read,
        response_tokens=sum(number(usage, "output_tokens") for usage in answers.values()),
        synthetic_answers=len(answers_of(synthetic)),
        tool_calls=sum(b.get("type") == "tool_use" for r in assistant for b in blocks_of(r)),
        tool_errors=sum(block.get("is_error") is True for block in results),
        tool_results=len(results),
        user_messages=sum(is_user_message(record) for record in user),
    )


def is_subagent_transcript(records):
    conversation = [record for record in records if is_conversation(record)]
    return bool(conversation) and all(record.get("isSidechain") for record in conversation)


def inline_children(records):
    """Layout 1: sidechain records among those of the session."""
    sidechain = [record for record in records if record.get("isSidechain")]
    by_uuid = {record.get("uuid"): record for record in sidechain}
    children = {}
    for record in sidechain:
        key = record.get("agentId") or first_ancestor(record, by_uuid)
        children.setdefault(key, []).append(record)
    return children


def first_ancestor(record, by_uuid):
    """The uuid of the record where the chain of parents within `by_uuid` begins."""
    seen = set()
    while record.get("parentUuid") in by_uuid and record.get("uuid") not in seen:
        seen.add(record.get("uuid"))
        record = by_uuid[record["parentUuid"]]
    return record.get("uuid")


def companion_children(path, session_ids):
    """Layouts 2 and 3: files of their own, beside the session's or in its folder `subagents`."""
    beside = [file for file in path.parent.glob("*agent-*.jsonl") if file != path]
    children = {}
    for file in sorted(beside) + sorted(path.with_suffix("").glob("subagents/agent-*.jsonl")):
        records = read_lines(file).records
        sessions = {record.get("sessionId") for record in records}
        if is_subagent_transcript(records) and sessions & session_ids:
            agent = next((r["agentId"] for r in records if r.get("agentId")), file.stem)
            children[agent] = records
    return children


def mirrored_children(records):
    """Layout 4: whole records of a sub-agent inside progress records of its parent."""
    children = {}
    for record in records:
        data = as_dict(record.get("data"))
        if data.get("type") == "agent_progress":
            children.setdefault(data.get("agentId"), []).append(as_dict(data.get("message")))
    return children


def split_session(path, records):
    """The root's records and, by agent id, those of its children.

    A child known from several layouts is taken from the fullest: a file of its own, then records
    of its own, then the mirror, which leaves out text.
    """
    children = mirrored_children(records)
    if is_subagent_transcript(records):
        return records, children
    root = [record for record in records if not record.get("isSidechain")]
    session_ids = {record["sessionId"] for record in root if record.get("sessionId")}
    children.update(inline_children(records))
    children.update(companion_children(path, session_ids))
    return root, children


def agents_named_in(records):
    """The ids of sub-agents that results of tool calls name."""
    results = [as_dict(record.get("toolUseResult")) for record in records]
    return {result["agentId"] for result in results if result.get("agentId")}


def queue_removals(records):
    """Prompts taken out of the queue without a user record of their own."""
    queue = [record for record in records if record.get("type") == "queue-operation"]
    return sum(record.get("operation") == "remove" for record in queue)


def count_claude_code(path, name):
    lines = read_lines(path)
    root, children = split_session(path, lines.records)
    return report(
        name,
        "claude-code",
        int(any(is_conversation(record) for record in root)),
        count_transcript(root),
        [count_transcript(records) for records in children.values()],
        lines_not_json=lines.not_json,
        extra_objects_on_a_line=lines.extra_objects,
        children_without_transcript=len(agents_named_in(root) - set(children)),
        prompts_only_queued=queue_removals(root),
    )


# OpenAI-style messages


def with_role(messages, role):
    return [message for message in messages if message.get("role") == role]


def calls_in(messages):
    return sum(len(as_list(message.get("tool_calls"))) for message in messages)


def usage_counts(usages):
    """Token counts of OpenAI usage objects, where prompt_tokens includes what was cached."""
    counts = Counts()
    for usage in map(as_dict, usages):
        details = as_dict(usage.get("prompt_tokens_details"))
        read = number(details, "cached_tokens") or number(usage, "cache_read_input_tokens")
        counts.cache_creation_tokens += number(usage, "cache_creation_input_tokens")
        counts.cache_read_tokens += read
        counts.request_tokens += number(usage, "prompt_tokens")
        counts.response_tokens += number(usage, "completion_tokens")
    return counts


def count_messages(messages):
    """Counts for a plain list of messages, which has no mark for a failed tool call."""
    assistant = with_role(messages, "assistant")
    counts = usage_counts(message.get("usage") for message in assistant)
    counts.model_calls = len(assistant)
    counts.tool_calls = calls_in(assistant)
    counts.tool_results = len(with_role(messages, "tool"))
    counts.user_messages = len(with_role(messages, "user"))
    return counts


def count_tau_bench(run):
    messages = dicts_in(run.get("traj"))
    counts = count_messages(messages)
    contents = [message.get("content") for message in with_role(messages, "tool")]
    counts.tool_errors = sum(str(content).startswith("Error") for content in contents)
    return counts


def is_greeting(message, before):
    """A canned first line: no model wrote it, so it has neither usage nor a provider's answer."""
    unwritten = not message.get("usage") and not message.get("raw_data")
    return unwritten and not with_role(before, "user")


def count_tau2_bench(simulation):
    messages = dicts_in(simulation.get("messages"))
    assistant = [(i, m) for i, m in enumerate(messages) if m.get("role") == "assistant"]
    answers = [m for i, m in assistant if not is_greeting(m, messages[:i])]
    user = with_role(messages, "user")
    results = [m for m in with_role(messages, "tool") if m.get("requestor") != "user"]
    counts = usage_counts(message.get("usage") for message in answers)
    counts.greetings = len(assistant) - len(answers)
    counts.model_calls = len(answers)
    counts.tool_calls = calls_in(answers)
    counts.tool_errors = sum(message.get("error") is True for message in results)
    counts.tool_results = len(results)
    counts.user_messages = sum(not message.get("tool_calls") for message in user)
    counts.user_tool_calls = calls_in(user)
    return counts


def count_call_log(call):
    """One API call of LiteLLM: what was sent is its context, the answer is the one model call."""
    response = as_dict(call.get("response"))
    answer = [as_dict(choice.get("message")) for choice in dicts_in(response.get("choices"))[:1]]
    counts = total([count_messages(answer), usage_counts([response.get("usage")])])
    counts.user_messages = len(with_role(dicts_in(call.get("messages")), "user"))
    return counts


def runs_in(document):
    """The format of a document and the Counts of each of its runs."""
    if isinstance(document, dict):
        if "simulations" in document:
            return "tau2-bench", map(count_tau2_bench, dicts_in(document["simulations"]))
        if "response" in document:
            return "litellm", [count_call_log(document)]
    items = dicts_in(document)
    if items and "traj" in items[0]:
        return "tau-bench", map(count_tau_bench, items)
    if items and "role" in items[0]:
        return "messages", [count_messages(items)]
    return "unknown", []


def count_openai_chat(path, name):
    log_format, runs = runs_in(json.loads(path.read_text(encoding="utf-8")))
    runs = list(runs)
    return report(name, log_format, len(runs), total(runs))


# Command line


def session_files(path):
    """A file itself, or every session file below a folder."""
    if path.is_file():
        return [path]
    files = [file for file in path.rglob("*") if file.suffix in (".json", ".jsonl")]
    return sorted(file for file in files if not file.name.endswith(".meta.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="FOLDER_OR_FILE")
    for path in parser.parse_args().paths:
        if not path.exists():
            parser.error(f"{path}: no such file or folder")
        for file in session_files(path):
            count = count_claude_code if file.suffix == ".jsonl" else count_openai_chat
            print(json.dumps(count(file, file.as_posix()), sort_keys=True))


if __name__ == "__main__":
    main()

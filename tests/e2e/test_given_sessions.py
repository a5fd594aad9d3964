"""Every session of the data set beside the checkout executes again in the runtime as it happened.

Registered only where that data set lies; it is too large for the repository.
"""

import collections
import json
import unittest

from agdb_case import SHARED_DATA, AgdbCase


class GivenSessions(AgdbCase):
    def state_at_the_end(self, record_id):
        """The final context's messages and the answers. Results that came in together may come in
        another order, since the runtime's children end when they end."""
        messages, answers = [], []
        for event in self.events(record_id):
            if event["type"] == "context_snapshot":
                context = event["context"]
                messages[context.get("keep", 0):] = context["messages"]
            elif event["type"] == "llm_response" and not event["llm"].get("error"):
                answers.append(event["llm"].get("content", ""))
        return sorted(json.dumps(m, sort_keys=True) for m in messages), answers

    def check(self, path):
        done = self.agdb("import", path, "--force", "--run", "--json", "--records", self.folder / ".agdb" / "records")
        runs = collections.defaultdict(list)
        for line in self.agdb("record", "list", "--json").lines():
            metadata = json.loads(line)
            runs[metadata["runtime"]].append((metadata.get("recorded_at", ""), metadata["pid"], metadata["record_id"]))
        imported = [record for _, _, record in sorted(runs["imported"], key=lambda run: run[1])]
        executed = [record for _, _, record in sorted(runs["simulated"])]
        self.assertEqual(len(imported), len(executed), done.err)
        for before, again in zip(imported, executed):
            self.assertEqual(self.state_at_the_end(before), self.state_at_the_end(again), f"{path.name} {before}")
        if imported:
            self.agdb("verify", *imported, *executed)


def add_tests():
    for path in sorted(SHARED_DATA.glob("claude-code/**/*.jsonl")) + sorted(SHARED_DATA.glob("openai-chat/*.json")):
        name = "test_" + "".join(c if c.isalnum() else "_" for c in path.stem)
        setattr(GivenSessions, name, lambda self, path=path: self.check(path))


add_tests()

if __name__ == "__main__":
    unittest.main()

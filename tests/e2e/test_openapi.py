"""The OpenAPI document and the server that it describes, over a socket: what is declared is what is answered."""

import csv
import io
import json
import shutil
import unittest
import urllib.parse

from agdb_case import SCRIPTS, script
from http_case import HttpCase

PROBLEM = "application/problem+json"
# The record id that the examples name.
EXAMPLE = "1-1763712345"


def word(value):
    value = value[0] if isinstance(value, list) else value
    return value if isinstance(value, str) else json.dumps(value)


class Operation:
    def __init__(self, method, path, declared):
        self.method, self.path, self.declared = method.upper(), path, declared
        self.deletes = declared["operationId"].startswith("delete")
        self.parameters = declared.get("parameters", [])

    def target(self, **chosen):
        """With the example of each parameter that has one, and with those that are chosen."""
        path, query = self.path, {}
        for parameter in self.parameters:
            name = parameter["name"]
            value = chosen.get(name, word(parameter["example"]) if "example" in parameter else None)
            if value is None:
                continue
            if parameter["in"] == "path":
                path = path.replace("{" + name + "}", urllib.parse.quote(value, safe=""))
            else:
                query[name] = value
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def words(self):
        """Of each parameter that takes certain words only, each."""
        for parameter in self.parameters:
            schema = parameter["schema"]
            for value in schema.get("items", schema).get("enum", []):
                yield {parameter["name"]: value}

    def body(self):
        content = self.declared.get("requestBody", {}).get("content", {})
        return content["application/json"]["example"] if content else None

    def answers(self):
        """{status: {content type: schema}} of what happens when all goes well."""
        return {int(status): answer.get("content", {}) for status, answer in self.declared["responses"].items()
                if status != "default"}


class Document(HttpCase):
    def setUp(self):
        super().setUp()
        self.runs()
        self.agdb("run", SCRIPTS / "hello.json", "--record")
        recorded = self.record(SCRIPTS / "hello.json")
        shutil.copytree(self.folder_of(recorded), self.folder_of(EXAMPLE))
        self.serve()
        spawned = self.ask("POST", "/v1/processes", {"script": script([{"text": "late", "latency": "1h"}])}).json()
        self.assertEqual(spawned["pid"], 1)
        self.document = self.get("/v1/openapi.json").json()
        self.operations = [Operation(method, path, declared) for path, methods in self.document["paths"].items()
                           for method, declared in methods.items()]
        self.assertGreater(len(self.operations), 30)

    def as_declared(self, operation, target, body=None, **headers):
        answer = self.ask(operation.method, target, body, **headers)
        with self.subTest(method=operation.method, target=target):
            declared = operation.answers()
            self.assertIn(answer.status, declared, answer.body)
            kind = answer.headers.get("Content-Type")
            self.assertIn(kind, list(declared[answer.status]) or [None], target)
            self.readable(kind, answer.body)
        return answer

    def readable(self, kind, body):
        """It is what its type says."""
        text = body.decode("utf-8")
        if kind in ("application/json", PROBLEM):
            json.loads(text)
        elif kind == "application/x-ndjson":
            for line in text.splitlines():
                json.loads(line)
        elif kind == "text/csv":
            rows = list(csv.reader(io.StringIO(text, newline="")))
            self.assertEqual({len(row) for row in rows}, {len(rows[0])})

    def test_every_operation_answers_as_it_is_declared(self):
        # What deletes comes last, so that the others find something.
        for operation in sorted(self.operations, key=lambda each: each.deletes):
            chosen = {"id": "3"} if operation.path == "/v1/traces/{id}" and operation.deletes else {}
            self.as_declared(operation, operation.target(**chosen), operation.body())

    def test_every_word_of_a_parameter_is_answered_as_it_is_declared(self):
        for operation in self.operations:
            if operation.method == "GET":
                for chosen in operation.words():
                    self.as_declared(operation, operation.target(**chosen))

    def test_every_type_that_is_declared_is_answered(self):
        asked = {"/v1/recordings/{id}/events": [({}, {}), ({}, {"Accept": "application/x-ndjson"})],
                 "/v1/traces/export": [({"format": name}, {}) for name in ("jsonl", "csv", "prometheus")]}
        for operation in self.operations:
            declared = {kind for answer in operation.answers().values() for kind in answer}
            if len(declared) < 2:
                continue
            ways = asked.get(operation.path) or [(chosen, {}) for chosen in operation.words()]
            got = {self.as_declared(operation, operation.target(**chosen), **headers).headers["Content-Type"]
                   for chosen, headers in ways}
            self.assertEqual(got, declared, operation.path)

    def test_failures_are_those_that_are_declared(self):
        for operation in self.operations:
            target = operation.target()
            target += ("&" if "?" in target else "?") + "no_such=1"
            answer = self.ask(operation.method, target, operation.body())
            with self.subTest(method=operation.method, target=target):
                self.problem(400, answer, "no_such")
                self.assertEqual(list(operation.declared["responses"]["default"]["content"]), [PROBLEM])

    def test_head_answers_as_get_without_a_body(self):
        for operation in self.operations:
            if operation.method == "GET":
                head, get = self.ask("HEAD", operation.target()), self.get(operation.target())
                with self.subTest(target=operation.target()):
                    self.assertEqual((head.status, head.headers["Content-Type"], head.body),
                                     (get.status, get.headers["Content-Type"], b""))


if __name__ == "__main__":
    unittest.main()

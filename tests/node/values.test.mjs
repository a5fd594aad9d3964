// Values that are not JSON.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as agdb from "../../tools/node/agdb.mjs";
import { FakeDaemon } from "./fake_daemon.mjs";

/** What the daemon gets of a result. */
async function toldOf(t, ...values) {
  const daemon = await FakeDaemon.start(t);
  const agent = agdb.register("x");
  for (const value of values)
    assert.equal(
      agent.call("Return", {}, () => value),
      value,
    );
  await agent.close();
  assert.equal(agdb.stats().internalErrors, 0);
  return daemon.told("agent.call").map(({ result }) => result);
}

test("what JSON cannot hold is told in words", async (t) => {
  const shared = { a: 1 };
  const cycle = { shared, again: shared };
  cycle.self = cycle;
  const values = [
    undefined,
    Number.NaN,
    12345678901234567890n,
    Symbol("s"),
    function named() {},
    cycle,
  ];
  const told = await toldOf(t, ...values, new Error("no"), new Uint8Array(4), new Date(0));
  assert.deepEqual(told, [
    null,
    null,
    "12345678901234567890",
    "[Symbol(s)]",
    "[function named]",
    { shared: { a: 1 }, again: { a: 1 }, self: "[cycle]" },
    "Error: no",
    "[Uint8Array, 4 bytes]",
    "1970-01-01T00:00:00.000Z",
  ]);
});

test("maps and sets are told by what is in them", async (t) => {
  const told = await toldOf(
    t,
    new Map([
      ["a", 1n],
      [2, new Set(["x"])],
    ]),
  );
  assert.deepEqual(told, [{ a: "1", 2: ["x"] }]);
});

test("an object that throws when it is looked at hurts nobody", async (t) => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const throwing = {
    ok: 1,
    get bad() {
      throw new Error("not now");
    },
  };
  const told = await toldOf(
    t,
    throwing,
    {
      toJSON() {
        throw null;
      },
    },
    { inside: revoked.proxy },
  );
  assert.deepEqual(told[0], { ok: 1, bad: "[unreadable: Error: not now]" });
  assert.match(told[1], /^\[unreadable/);
  assert.match(told[2].inside, /^\[unreadable/);
});

test("depth and number of parts are bounded", async (t) => {
  let deep = {};
  for (let level = 0; level < 10_000; ++level) deep = { deep };
  const [first, second] = await toldOf(t, deep, new Array(150_000).fill(0));
  assert.match(JSON.stringify(first), /\[deeper\]/);
  assert.equal(second.length, 100_001);
  assert.equal(second.at(-1), "[50000 more]");
});

test("half a character is told as a replacement, an escape as it is", async (t) => {
  const told = await toldOf(t, "half \ud83d", "\\ud83d", "\\\ud83d", "whole 😀");
  assert.deepEqual(told, ["half \ufffd", "\\ud83d", "\\\ufffd", "whole 😀"]);
});

test("wrong uses throw nothing into the agent", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const hostile = {
    get model() {
      throw new Error("no");
    },
    budget: 5n,
  };
  for (const intent of [
    undefined,
    null,
    Symbol("s"),
    {
      toString() {
        throw 1;
      },
    },
  ]) {
    const agent = agdb.register(intent, hostile);
    agent.context(null, null);
    agent.context(5);
    agent.context([null, 5, { role: 3, content: [{}, null, { type: "image" }] }]);
    agent.response(null);
    agent.response({ toolCalls: 5n, costUsd: 1n, content: Symbol("c") });
    agent.end(7, null);
    agent.end(agent.begin(null, 3), null);
    assert.equal(agent.tool("no function"), "no function");
    await agent.gate(null);
    await agent.child(null, null).close(null, null);
    await agent.close(null, null);
  }
  assert.equal(agdb.wrap(null), null);
  assert.equal(agdb.wrap(3), 3);
  assert.equal(daemon.of("agent.register").length, 8);
});

// The client and a real daemon: the binary is AGDB.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import * as agdb from "../../tools/node/agdb.mjs";
import { exchangesOf, readAll, streamingAnthropic } from "./cassettes.mjs";

const binary = process.env.AGDB;
assert.ok(binary, "AGDB is the path of the agdb binary");

const folder = mkdtempSync(path.join(os.tmpdir(), "agdb-node-"));
const example = new URL("../../tools/node/example_agent.mjs", import.meta.url).pathname;
let daemon;

process.env.AGDB_SOCKET = path.join(folder, "agdb.sock");
// What the daemon keeps, it keeps in here.
process.env.HOME = folder;
process.env.XDG_DATA_HOME = folder;
process.env.XDG_STATE_HOME = folder;

/** A connection that asks and gets its answers, as any of the daemon's clients. */
class Asker {
  #socket = net.connect(process.env.AGDB_SOCKET);
  #waiting = new Map();
  #lastId = 0;

  constructor() {
    let input = "";
    this.#socket.setEncoding("utf8").on("data", (text) => {
      const lines = (input + text).split("\n");
      input = lines.pop();
      for (const message of lines.filter(Boolean).map((line) => JSON.parse(line)))
        this.#waiting.get(message.id)?.(message);
    });
  }

  ask(method, params = {}) {
    const id = ++this.#lastId;
    this.#socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve)).then(({ result, error }) => {
      assert.equal(error, undefined);
      return result;
    });
  }

  end() {
    this.#socket.end();
  }
}

/** The daemon is there when one can connect to it. */
async function reachable() {
  for (;;) {
    const socket = net.connect(process.env.AGDB_SOCKET);
    const isThere = await new Promise((resolve) =>
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false)),
    );
    socket.destroy();
    if (isThere) return;
    assert.equal(daemon.exitCode, null, "the daemon has ended");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

before(async () => {
  daemon = spawn(binary, ["serve"], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  await reachable();
});

after(async () => {
  const ended = new Promise((resolve) => daemon.on("close", resolve));
  daemon.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true });
});

/** Does the work as an agent, and gives back what the daemon knows of it before and behind its end. */
async function watched(work, options) {
  const agent = agdb.register("tidy the docs", options);
  await agent.gate();
  const asker = new Asker();
  try {
    await work(agent, asker);
    const { rejected } = agent.stats();
    const { contexts } = await asker.ask("process.context", { pid: agent.pid });
    await agent.close();
    const process = await asker.ask("process.wait", { pid: agent.pid });
    return { process, contexts, rejected };
  } finally {
    asker.end();
  }
}

test("the daemon takes all that an agent tells", async () => {
  const { process, contexts, rejected } = await watched(
    async (agent) => {
      agent.context([{ role: "user", content: "Tidy the docs." }], { systemPrompt: "Be brief." });
      agent.call("ReadDocs", { path: "docs/" }, () => ({ files: 3 }));
      await agent.call("Lint", {}, async () => true);
      agent.tool(({ path }) => path, { name: "ls" })({ path: "docs/" });
      agent.response({ model: "m-1", requestTokens: 120, responseTokens: 30, content: "Done." });
      await agent.gate();
    },
    { model: "m-1", budget: 50000 },
  );
  assert.equal(rejected, 0);
  assert.deepEqual(
    [process.steps, process.tokens_used, process.exit_code, process.exit_reason],
    [1, 150, 0, "completed"],
  );
  assert.equal(process.foreign, true);
  assert.equal(contexts[0].system_prompt, "Be brief.");
  assert.equal(contexts[0].messages.length, 1);
});

test("a wrapped client's context is what the model has seen and said", async () => {
  const { process, contexts, rejected } = await watched(async (agent) => {
    for (const { chunks, request } of exchangesOf("pydantic-anthropic-tool-search-stream"))
      await readAll(
        await agdb.wrap(streamingAnthropic(chunks), { agent }).messages.create(request),
      );
    await agent.gate();
  });
  assert.equal(rejected, 0);
  assert.equal(process.steps, 2);
  assert.deepEqual(
    contexts[0].messages.map(({ role }) => role),
    ["user", "assistant", "tool", "assistant"],
  );
});

test("a pause holds the agent at its gate, a resume lets it go on", async () => {
  await watched(async (agent, asker) => {
    await asker.ask("process.signal", { pid: agent.pid, signal: "pause" });
    assert.deepEqual(await agent.gate({ wait: false }), { go: false, reason: "suspended" });
    const gate = agent.gate();
    await asker.ask("process.signal", { pid: agent.pid, signal: "resume" });
    assert.deepEqual(await gate, { go: true, reason: "" });
  });
});

test("a spent budget ends the agent, and the gate says so", async () => {
  const agent = agdb.register("x", { budget: 10 });
  agent.response({ requestTokens: 20, responseTokens: 5 });
  assert.deepEqual(await agent.gate(), { go: false, reason: "budget_exceeded" });
  await agent.close("budget_exceeded");
});

test("the example works under a daemon", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [example]);
  assert.equal(stderr, "");
  assert.match(stdout, /dead link/);
});

// Whole programs that use the client: how they end, and what they say on stderr.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { FakeDaemon } from "./fake_daemon.mjs";

const client = new URL("../../tools/node/agdb.mjs", import.meta.url);
const example = new URL("../../tools/node/example_agent.mjs", import.meta.url);

/** Runs a program's text, behind the client's import; gives back what it wrote and how it ended. */
function run(text, env = {}) {
  const program = `import * as agdb from ${JSON.stringify(client.href)};\n${text}`;
  return finished(["--input-type=module", "--eval", program], env);
}

function finished(args, env) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].on("data", (bytes) => (written[name] += bytes));
  return new Promise((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, ...written })),
  );
}

test("without a daemon it is said once, with what to do", async () => {
  const { code, stdout, stderr } = await run(
    `for (let i = 0; i < 3; ++i) {
       const agent = agdb.register("x");
       agent.call("Add", {}, () => 1);
       await agent.close();
     }
     console.log("done");`,
    { AGDB_SOCKET: "/nowhere/agdb.sock" },
  );
  assert.equal(code, 0);
  assert.equal(stdout, "done\n");
  assert.equal(
    stderr,
    'agdb: no daemon at /nowhere/agdb.sock (ENOENT): start one with "agdb serve --detach"\n',
  );
});

test("a program that comes to its end tells all, and closes its agents", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const { code, stderr } = await run(
    `const agent = agdb.register("x");
     agent.child("y").call("Add", {}, () => 1);
     process.exitCode = 3;`,
  );
  assert.deepEqual([code, stderr], [3, ""]);
  assert.equal(daemon.of("agent.call").length, 1);
  assert.deepEqual(
    daemon.told("agent.close").map(({ reason, exit_code: code }) => [reason, code]),
    [
      ["failed", 3],
      ["failed", 3],
    ],
  );
});

test("a connection alone does not keep a program alive", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.answers["agent.register"] = () => undefined;
  const { code, signal } = await run(`agdb.register("x").call("Add", {}, () => 1);`);
  assert.deepEqual([code, signal], [0, null]);
});

test("a gate that waits keeps the program alive", async (t) => {
  const daemon = await FakeDaemon.start(t);
  let open;
  daemon.answers["agent.gate"] = () => new Promise((resolve) => (open = resolve));
  const program = run(`console.log(JSON.stringify(await agdb.register("x").gate()));`);
  await daemon.until(() => open !== undefined);
  open({ go: false, reason: "terminated" });
  const { code, stdout } = await program;
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), { go: false, reason: "terminated" });
});

test("a program that exits in the middle tells what it can", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const { code } = await run(
    `const agent = agdb.register("x");
     await agent.gate();
     agent.call("Last", {}, () => 1);
     process.exit(4);`,
  );
  assert.equal(code, 4);
  await daemon.until(() => daemon.connections === 0);
  assert.equal(daemon.told("agent.call")[0].name, "Last");
  assert.deepEqual(daemon.told("agent.close"), [{ pid: 1, reason: "failed", exit_code: 4 }]);
});

test("an exception that nobody catches is the reason of the end", async (t) => {
  const daemon = await FakeDaemon.start(t);
  const { code, stderr } = await run(
    `await agdb.register("x").gate();
     throw new RangeError("out of docs");`,
  );
  assert.equal(code, 1);
  assert.match(stderr, /RangeError: out of docs/);
  await daemon.until(() => daemon.connections === 0);
  assert.deepEqual(daemon.told("agent.close"), [
    { pid: 1, reason: "RangeError: out of docs", exit_code: 1 },
  ]);
});

test("a rejection that nobody handles stays one", async (t) => {
  await FakeDaemon.start(t);
  const { code, stderr } = await run(
    `const agent = agdb.register("x");
     agent.call("Break", {}, async () => { throw new Error("unheard"); });`,
  );
  assert.equal(code, 1);
  assert.match(stderr, /unheard/);
});

test("a folder of the socket that others may enter is refused", async (t) => {
  const home = mkdtempSync(path.join(os.tmpdir(), "agdb-node-"));
  t.after(() => rmSync(home, { recursive: true }));
  const env = { AGDB_SOCKET: "", XDG_RUNTIME_DIR: home };
  mkdirSync(path.join(home, "agdb"));
  chmodSync(path.join(home, "agdb"), 0o755);
  const refused = await run(`agdb.register("x")`, env);
  assert.match(refused.stderr, /may be entered by others/);
  chmodSync(path.join(home, "agdb"), 0o700);
  const missing = await run(`agdb.register("x")`, env);
  assert.match(missing.stderr, /agdb\.sock \(ENOENT\)/);
});

test("the example works, with and without a daemon", async (t) => {
  const alone = await finished([example.pathname], { AGDB_SOCKET: "/nowhere/agdb.sock" });
  assert.equal(alone.code, 0);
  assert.match(alone.stderr, /^agdb: no daemon/);
  const daemon = await FakeDaemon.start(t);
  const watched = await finished([example.pathname], {});
  assert.deepEqual([watched.code, watched.stdout, watched.stderr], [0, alone.stdout, ""]);
  assert.equal(daemon.told("agent.register").length, 2);
  assert.equal(daemon.told("agent.response").length, 3);
  assert.deepEqual(
    daemon.told("agent.close").map(({ exit_code: code }) => code),
    [0, 0],
  );
});

test("the example stops when the gate says so", async (t) => {
  const daemon = await FakeDaemon.start(t);
  daemon.answers["agent.gate"] = () => ({ go: false, reason: "budget_exceeded" });
  const { code, stdout } = await finished([example.pathname], {});
  assert.equal(code, 0);
  assert.match(stdout, /budget_exceeded/);
  assert.equal(daemon.of("agent.response").length, 0);
});

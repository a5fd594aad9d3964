// The types say what the module does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as agdb from "../../tools/node/agdb.mjs";
import { FakeDaemon } from "./fake_daemon.mjs";

const read = (file) => readFileSync(new URL(`../../tools/node/${file}`, import.meta.url), "utf8");
const types = read("agdb.d.mts");

/** The lines of one declaration, between its head and the closing brace. */
function bodyOf(head) {
  const begin = types.indexOf(`${head} {\n`);
  assert.ok(begin >= 0, `${head} is not in agdb.d.mts`);
  return types.slice(begin, types.indexOf("\n}", begin));
}

/** Names that stand at the beginning of a line in there: members. */
const membersOf = (head) =>
  [...bodyOf(head).matchAll(/^ {2}(?:readonly )?(\w+)\??[<(:]/gm)].map(([, name]) => name).sort();

test("every exported name is there, and no other", () => {
  const declared = [...types.matchAll(/^export (?:function|class|const) (\w+)/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(declared.sort(), Object.keys(agdb).sort());
});

test("every member of an agent is there, and no other", () => {
  const members = Object.getOwnPropertyNames(agdb.Agent.prototype).filter(
    (name) => name !== "constructor",
  );
  assert.deepEqual(membersOf("export class Agent"), members.sort());
});

test("what is counted is there, and no other", async (t) => {
  await FakeDaemon.start(t);
  const agent = agdb.register("x");
  assert.deepEqual(membersOf("export interface Stats"), Object.keys(agdb.stats()).sort());
  assert.deepEqual(membersOf("export interface AgentStats"), Object.keys(agent.stats()).sort());
  await agent.close();
});

test("every option is read by the module", () => {
  const module = read("agdb.mjs");
  const interfaces = [
    "AgentOptions",
    "ModelAnswer",
    "ContextOptions",
    "GateOptions",
    "CloseOptions",
    "WrapOptions",
  ];
  for (const name of interfaces.flatMap((one) => membersOf(`export interface ${one}`)))
    assert.match(module, new RegExp(`\\b${name}\\b`), name);
});

test("every function that is exported has an example", () => {
  const module = read("agdb.mjs");
  for (const head of [
    "export function register",
    "export function wrap",
    "export class Agent",
    "  call(",
    "  begin(",
    "  tool(",
    "  response(",
    "  context(",
    "  async gate(",
    "  child(",
    "  async close(",
  ]) {
    const comment = module.slice(
      module.lastIndexOf("/**", module.indexOf(`\n${head}`)),
      module.indexOf(`\n${head}`),
    );
    assert.match(comment, /\n *\* {5}\S/, head);
  }
});

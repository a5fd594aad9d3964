/** agdb for agents in Node: see agdb.mjs, README.md. Nothing here throws into the agent. */

export type Policy = "kill" | "pause" | "warn";

export interface AgentOptions {
  /** The model that it uses. */
  model?: string;
  /** Tokens that it may spend in all; 0 = no limit. */
  budget?: number;
  /** What happens when the budget is spent. Default: "kill". */
  policy?: Policy;
  /** Model calls that it may make; 0 = no limit. */
  maxSteps?: number;
  /** Whether the daemon records it from birth. */
  record?: boolean;
}

export interface RegisterOptions extends AgentOptions {
  /** The pid of an agent of another process that started this one. */
  parent?: number;
  /** The span that the agent is a part of (W3C trace context). Default: that of $TRACEPARENT. */
  traceparent?: string;
}

/** How a call ended: with an error, if there is one, else with a result. */
export interface Outcome {
  result?: unknown;
  error?: unknown;
}

export interface ToolCall {
  id?: string;
  name: string;
  arguments?: unknown;
}

export interface ModelAnswer {
  model?: string;
  /** With what came out of a prompt cache. */
  requestTokens?: number;
  responseTokens?: number;
  content?: string;
  toolCalls?: ToolCall[];
  stopReason?: string;
  cacheReadTokens?: number;
  cacheCreationTokens?: number;
  timeToFirstTokenNs?: number;
  costUsd?: number;
  /** The request failed. */
  error?: unknown;
  durationNs?: number;
  /** When it began, since the agent registered. Default: when it is told, less `durationNs`. */
  timestampNs?: number;
}

export interface ContextOptions {
  /** Default: as before. */
  systemPrompt?: string;
  /** The agent's own number of this context. Default: 1. */
  ctxId?: number;
  /** So many of the messages before stay; those that are given follow. Default: none stays. */
  keep?: number;
}

export interface GateOptions {
  /** Whether to wait while the agent is paused. Default: true. */
  wait?: boolean;
  /** How long to wait while the agent is paused. Default: no limit. */
  timeoutMs?: number;
}

export interface GateAnswer {
  go: boolean;
  /** Why not. Of a yes without a daemon's word: why there is none. Else "". */
  reason: string;
}

export interface CloseOptions {
  /** Default: 0 for the reason "completed", else 1. */
  exitCode?: number;
  /** How long to wait for the daemon. Default: 1000. */
  timeoutMs?: number;
}

export interface AgentStats {
  /** 0: not known yet. */
  pid: number;
  state: "registering" | "alive" | "closed" | "without";
  /** Messages that were written to the daemon. */
  sent: number;
  /** Messages that were not: the queue was full, or there was no daemon any more. */
  lost: number;
  /** Messages that the daemon did not take, of all agents of one connection. */
  rejected: number;
}

export interface Stats {
  sent: number;
  lost: number;
  rejected: number;
  /** Messages that wait to be written. */
  queued: number;
  /** Faults of this client, each of which cost something of what was to be told. */
  internalErrors: number;
}

/** One agent, as `agdb ps` shows it. Made by `register` and by `child`. */
export class Agent {
  private constructor();

  /** The daemon's number of this agent; 0 while it is not known. */
  readonly pid: number;
  /** "" while it is not known, and for an agent that is not recorded. */
  readonly recordId: string;
  /** W3C trace context of this agent's span, for headers; "" while it is not known. */
  readonly traceparent: string;
  /** Whether anything can still be told. */
  readonly isOpen: boolean;

  /** Runs a function as a call of this agent. What it throws becomes the call's error, and goes on. */
  call<T>(name: string, args: unknown, fn: () => T): T;
  /** The beginning of a call that ends somewhere else; the number is for `end`. */
  begin(name: string, args?: unknown): number;
  end(call: number, outcome?: Outcome): void;
  /** A function whose calls are told as calls of a tool. */
  tool<F extends (...args: any[]) => unknown>(fn: F, options?: { name?: string }): F;
  /** A model's answer. It counts as a step, and against the budget. */
  response(answer: ModelAnswer): void;
  /** The context as it is now; messages may have the form of either API. */
  context(messages: Iterable<unknown>, options?: ContextOptions): void;
  /** May I go on? Waits while the agent is paused. Without a daemon: yes. */
  gate(options?: GateOptions): Promise<GateAnswer>;
  /** An agent that this one has started. Close it when it is done. */
  child(intent: string, options?: AgentOptions): Agent;
  /** Runs a function as this agent: clients that are wrapped tell it what they do in there. */
  run<T>(fn: () => T): T;
  /** The end of the agent. Waits until the daemon has all that was told, for a second at most. */
  close(reason?: string, options?: CloseOptions): Promise<void>;
  stats(): AgentStats;
}

/** Where the language has it: `await using agent = agdb.register("tidy the docs")`. */
export interface Agent extends AsyncDisposable {}

/** This process has an agent: it appears in `agdb ps`. Returns at once. */
export function register(intent: string, options?: RegisterOptions): Agent;

export interface WrapOptions {
  /** Default: the agent in whose `run`, `call` or tool it is used, else the newest. */
  agent?: Agent;
  /** The context that its requests show. Default: 1. */
  ctxId?: number;
}

/** The client, of OpenAI's or of Anthropic's form; it tells an agent what it does. */
export function wrap<T>(client: T, options?: WrapOptions): T;

/** Of all agents together. */
export function stats(): Stats;

/**
 * Counts the steps that code takes, without changing it and without a clock.
 *
 * Method: V8 counts how often each block of JavaScript runs. That does not show the work of built-ins. So, while
 * counting, those that walk text, lists or bytes are replaced by wrappers that add the steps they may take: the length of their
 * input, or its square where they are not linear. A regular expression is charged its text's length
 * once `recheck` has proved it linear, else the square.
 */
import buffer from "node:buffer";
import crypto from "node:crypto";
import { Session } from "node:inspector";
import { syncBuiltinESMExports } from "node:module";
import { checkSync } from "recheck";

/** The steps charged for one call of a built-in. */
type Charge = (self: unknown, args: readonly unknown[], result: unknown) => number;

interface Coverage {
  readonly result: readonly {
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

let counting = false;
let charged = 0;
/** String built-ins call an expression's `exec` for each match, which is charged already. */
let matching = false;

const lengthOf = (value: unknown): number =>
  typeof value === "string" || Array.isArray(value) || ArrayBuffer.isView(value)
    ? ((value as { length?: number }).length ?? (value as ArrayBufferView).byteLength)
    : value instanceof ArrayBuffer
      ? value.byteLength
      : 1;

const ofSelf: Charge = (self) => lengthOf(typeof self === "object" && self instanceof String ? String(self) : self);
const ofResult: Charge = (_self, _args, result) => lengthOf(result);
const ofFirst: Charge = (_self, [first]) => lengthOf(first);
/** A search walks from its start to its match. */
const ofSearch: Charge = (self, [, from], result) => {
  const start = typeof from === "number" ? from : 0;
  return (typeof result === "number" && result >= 0 ? result + 1 : lengthOf(self)) - start;
};
const ofKeys: Charge = (_self, [first]) =>
  typeof first === "object" && first !== null ? Reflect.ownKeys(first).length : 1;
const ofEach: Charge = (_self, [list]) => (list as unknown[]).reduce<number>((sum, part) => sum + lengthOf(part), 0);
const squared =
  (charge: Charge): Charge =>
  (self, args, result) =>
    charge(self, args, result) ** 2;
const sorted: Charge = (self) => lengthOf(self) * Math.ceil(Math.log2(lengthOf(self) + 2));

const linear = new Map<string, boolean>();

function isLinear({ source, flags }: RegExp): boolean {
  const key = `/${source}/${flags}`;
  const known = linear.get(key);
  if (known !== undefined) return known;
  const safe = paused(() => checkSync(source, flags, { timeout: 20_000 }).status === "safe");
  linear.set(key, safe);
  return safe;
}

function ofExpression(expression: unknown, text: unknown): number {
  const length = lengthOf(text);
  return expression instanceof RegExp && !isLinear(expression) ? length ** 2 : length;
}

const ofMatch: Charge = (self, [expression]) => ofExpression(expression, self);

type Holder = Record<PropertyKey, unknown>;
type Patch = readonly [holder: object, names: readonly PropertyKey[], charge: Charge];

/** Their first argument may be an expression. */
const MATCHING = ["replace", "replaceAll", "split", "search", "match", "matchAll"];

const METHODS: readonly Patch[] = [
  [String.prototype, MATCHING, ofMatch],
  [RegExp.prototype, ["exec", "test"], (self, [text]) => ofExpression(self, text)],
  [
    String.prototype,
    ["lastIndexOf", "trim", "trimStart", "trimEnd", "toLowerCase", "toUpperCase", "normalize"],
    ofSelf,
  ],
  [String.prototype, ["indexOf", "includes"], ofSearch],
  [Array.prototype, ["indexOf", "includes"], ofSearch],
  [String.prototype, ["localeCompare", "isWellFormed", "toWellFormed", Symbol.iterator], ofSelf],
  [String.prototype, ["slice", "substring", "substr", "concat", "repeat", "padStart", "padEnd"], ofResult],
  [String.prototype, ["startsWith", "endsWith"], ofFirst],
  [Array.prototype, ["lastIndexOf", "find", "findIndex", "findLast", "findLastIndex", "some", "every", "join"], ofSelf],
  [
    Array.prototype,
    ["map", "filter", "forEach", "flatMap", "flat", "reduce", "reduceRight", "fill", "reverse"],
    ofSelf,
  ],
  [Array.prototype, ["shift", "unshift", "splice", "copyWithin", "entries", "keys", "values", Symbol.iterator], ofSelf],
  [Array.prototype, ["slice", "concat"], ofResult],
  [Array.prototype, ["sort"], sorted],
  [Object, ["keys", "entries", "values", "assign", "fromEntries", "getOwnPropertyNames"], ofKeys],
  [Reflect, ["ownKeys"], ofKeys],
  [JSON, ["parse"], ofFirst],
  [JSON, ["stringify"], ofResult],
  [Buffer, ["from", "byteLength"], ofFirst],
  [Buffer, ["alloc", "allocUnsafe"], ofResult],
  [Buffer, ["concat"], ofEach],
  [Buffer.prototype, ["toString", "latin1Slice", "utf8Slice"], ofResult],
  [Buffer.prototype, ["equals", "compare", "indexOf", "includes", "copy", "fill"], ofSelf],
  [Buffer.prototype, ["write"], ofFirst],
  [Object.getPrototypeOf(Uint8Array.prototype), ["set"], ofFirst],
  [Object.getPrototypeOf(Uint8Array.prototype), ["slice", "copyWithin", "indexOf", "includes", "fill"], ofSelf],
  [TextEncoder.prototype, ["encode"], ofResult],
  [TextDecoder.prototype, ["decode"], ofResult],
  [buffer, ["isUtf8", "isAscii"], ofFirst],
  [crypto, ["hash"], (_self, [, data]) => lengthOf(data)],
];

/** Digits are parsed in more than linear time, so the text must be short. */
const GLOBALS: readonly Patch[] = [
  [globalThis, ["BigInt"], squared(ofFirst)],
  [globalThis, ["Number", "parseInt", "parseFloat", "decodeURIComponent", "encodeURIComponent", "Uint8Array"], ofFirst],
];

function charge(cost: Charge, self: unknown, args: readonly unknown[], result: unknown): void {
  if (counting) paused(() => (charged += cost(self, args, result)));
}

/** Runs the counter's own code, uncounted. */
function paused<Result>(work: () => Result): Result {
  const before = counting;
  counting = false;
  try {
    return work();
  } finally {
    counting = before;
  }
}

function patchMethod(holder: object, name: PropertyKey, cost: Charge): () => void {
  const original = (holder as Holder)[name];
  // Node 20 does not have all of them.
  if (typeof original !== "function") return () => undefined;
  const asks = MATCHING.includes(String(name)) || name === "test";
  const replacement = function (this: unknown, ...args: unknown[]): unknown {
    const isAsked = matching && name === "exec";
    const outer = matching;
    matching ||= asks;
    try {
      const result: unknown = Reflect.apply(original, this, args);
      if (!isAsked) charge(cost, this, args, result);
      return result;
    } finally {
      matching = outer;
    }
  };
  Object.defineProperty(replacement, "name", { value: original.name });
  return define(holder, name, replacement);
}

function patchGlobal(holder: object, name: PropertyKey, cost: Charge): () => void {
  const original = (holder as Holder)[name] as () => unknown;
  return define(
    holder,
    name,
    new Proxy(original, {
      apply(target, self, args) {
        charge(cost, self, args, undefined);
        return Reflect.apply(target, self, args);
      },
      construct(target, args, newTarget) {
        charge(cost, undefined, args, undefined);
        return Reflect.construct(target, args, newTarget === globalThis[name as "Uint8Array"] ? target : newTarget);
      },
    }),
  );
}

function define(holder: object, name: PropertyKey, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(holder, name);
  Object.defineProperty(holder, name, { configurable: true, writable: true, enumerable: false, ...before, value });
  return () => {
    if (before === undefined) Reflect.deleteProperty(holder, name);
    else Object.defineProperty(holder, name, before);
  };
}

/** Counts steps until it is closed; meanwhile the process is slow. */
export class StepCounter {
  readonly #session = new Session();
  readonly #restore: readonly (() => void)[];

  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    this.#restore = [
      ...METHODS.flatMap(([holder, names, cost]) => names.map((name) => patchMethod(holder, name, cost))),
      ...GLOBALS.flatMap(([holder, names, cost]) => names.map((name) => patchGlobal(holder, name, cost))),
    ];
    syncBuiltinESMExports();
  }

  /** The steps of each piece of work, whether it succeeds or fails. */
  countEach(works: readonly (() => unknown)[]): number[] {
    this.#take();
    return works.map((work) => {
      charged = 0;
      counting = true;
      try {
        work();
      } catch {
        // A refusal counts too.
      }
      counting = false;
      return this.#take() + charged;
    });
  }

  /** As `countEach`, for one piece of asynchronous work. */
  async countAsync(work: () => Promise<unknown>): Promise<number> {
    this.#take();
    charged = 0;
    counting = true;
    await work().catch(() => undefined);
    counting = false;
    return this.#take() + charged;
  }

  close(): void {
    for (const restore of this.#restore.toReversed()) restore();
    syncBuiltinESMExports();
    this.#post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** The blocks that ran since the last call. */
  #take(): number {
    const { result } = this.#post("Profiler.takePreciseCoverage") as Coverage;
    let blocks = 0;
    // V8 loses the call count (the first range) of an inlined function, but not the counts of its blocks.
    for (const { functions } of result) {
      for (const { ranges } of functions) for (const { count } of ranges.slice(1)) blocks += count;
    }
    return blocks;
  }

  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    // Inspector commands answer synchronously.
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  }
}

import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { CallMemory, type HoldingCall } from "../../packages/twirp/src/call-memory.ts";

const KB = 1024;
const LIMIT = 1000 * KB;

/** A call as the memory sees it; `close` is what Node does when its reply is out. */
class StandIn implements HoldingCall {
  heldBytes = 0;
  waitsForClient = true;
  readonly gaveWay: string[] = [];
  readonly socket = { destroyed: false };
  readonly #raw = Object.assign(new EventEmitter(), { closed: false, req: { socket: this.socket } });

  get res(): ServerResponse {
    return this.#raw as unknown as ServerResponse;
  }

  giveWay({ code }: { code: string }): void {
    this.gaveWay.push(code);
  }

  close(): void {
    this.#raw.closed = true;
    this.#raw.emit("close");
  }
}

/** A patience that no call has exceeded, and one that every call has. */
const patient = 3_600_000;
const impatient = -1;

function memoryOf(patienceMs: number) {
  let refusals = 0;
  const memory = new CallMemory({ bytesMax: LIMIT, patienceMs, onRefusal: () => (refusals += 1) });
  return { memory, refusals: () => refusals };
}

function holding(memory: CallMemory, bytes: number): StandIn {
  const call = new StandIn();
  expect(memory.hold(call, bytes)).toBe(true);
  return call;
}

test("bytes are counted until they are released, the reply was sent or the connection is lost", () => {
  const { memory } = memoryOf(patient);
  const [shrunk, out, lost] = [1, 2, 3].map(() => holding(memory, 100 * KB));
  expect(memory.held).toBe(300 * KB);
  expect(shrunk && memory.hold(shrunk, 10 * KB)).toBe(true);
  expect(memory.held).toBe(210 * KB);
  out?.close();
  expect(memory.held).toBe(110 * KB);
  if (lost) lost.socket.destroyed = true;
  expect(memory.held).toBe(10 * KB);
  // A method that continues after its client has gone.
  expect(out && memory.hold(out, 500 * KB)).toBe(true);
  expect(memory.held).toBe(10 * KB);
});

test("large calls leave room for smaller ones, and the smallest are never refused", () => {
  const { memory, refusals } = memoryOf(patient);
  holding(memory, 700 * KB);
  const large = new StandIn();
  expect(memory.hold(large, 65 * KB)).toBe(false);
  expect([large.heldBytes, refusals()]).toEqual([0, 1]);
  for (const _ of [1, 2, 3, 4]) holding(memory, 60 * KB);
  expect(memory.hold(new StandIn(), 61 * KB)).toBe(false);
  holding(memory, 60 * KB);
  expect(memory.held).toBe(LIMIT);
  expect(memory.hold(new StandIn(), 5 * KB)).toBe(false);
  expect(memory.hold(new StandIn(), 4 * KB)).toBe(true);
  expect([memory.held, refusals()]).toEqual([LIMIT, 3]);
});

test("a call that may not grow keeps what it has", () => {
  const { memory } = memoryOf(patient);
  const call = holding(memory, 500 * KB);
  holding(memory, 200 * KB);
  expect(memory.hold(call, 600 * KB)).toBe(false);
  expect([call.heldBytes, memory.held]).toEqual([500 * KB, 700 * KB]);
});

test("the calls that have waited longest for their clients give way, as many as are needed", () => {
  const { memory, refusals } = memoryOf(impatient);
  const [first, working, second, third] = [1, 2, 3, 4].map(() => holding(memory, 180 * KB));
  if (working) working.waitsForClient = false;
  // Progress: it is no longer the one that has waited for longest.
  expect(first && memory.hold(first, 181 * KB)).toBe(true);
  holding(memory, 200 * KB);
  expect([first, working, second, third].map((call) => call?.gaveWay)).toEqual([[], [], ["resource_exhausted"], []]);
  holding(memory, 300 * KB);
  expect([first, working, second, third].map((call) => call?.gaveWay.length)).toEqual([1, 0, 1, 1]);
  expect(memory.held).toBe(680 * KB);
  expect(refusals()).toBe(3);
});

test("a call that could never fit makes no other call give way", () => {
  const { memory } = memoryOf(impatient);
  const waiting = holding(memory, 500 * KB);
  expect(memory.hold(new StandIn(), 800 * KB)).toBe(false);
  expect([waiting.gaveWay, memory.held]).toEqual([[], 500 * KB]);
});

import Fastify, { type FastifyBaseLogger } from "fastify";
import { expect, test } from "vitest";
import type { RefusalEvent } from "../../packages/cors/src/index.ts";
import { createRefusalLog } from "../../packages/cors/src/refusals.ts";

const refusal: RefusalEvent = {
  reason: "origin_not_allowed",
  preflight: true,
  origin: "http://localhost:5174",
  method: "POST",
  headers: ["authorization"],
  refusedHeaders: [],
  nearest: { origin: "http://localhost:5173", difference: "differs by port" },
  hint: null,
};

/** A real logger, its lines parsed, and a clock that the test sets. */
function setUp(level: "info" | "debug") {
  const lines: { level: number; msg: string; cors: RefusalEvent & { suppressed?: number } }[] = [];
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) };
  const log: FastifyBaseLogger = Fastify({ logger: { level, stream } }).log;
  const clock = { milliseconds: 0 };
  const logRefusal = createRefusalLog(() => clock.milliseconds);
  return { lines, clock, write: (event: RefusalEvent) => logRefusal(log, event) };
}

test("a refused preflight is one line at info, with the reason and the nearest origin", () => {
  const { lines, write } = setUp("info");
  write(refusal);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 30, cors: { ...refusal } });
  expect(lines[0]?.msg).toBe(
    "CORS preflight refused: origin_not_allowed; nearest allowed origin http://localhost:5173 differs by port",
  );
});

test("the line names the refused headers and the hint", () => {
  const { lines, write } = setUp("info");
  write({ ...refusal, reason: "header_not_allowed", refusedHeaders: ["x-a", "x-b"], nearest: null, hint: "try this" });
  expect(lines[0]?.msg).toBe("CORS preflight refused: header_not_allowed (x-a, x-b); try this");
});

test("an unreadable reply is logged at debug only", () => {
  const quiet = setUp("info");
  quiet.write({ ...refusal, preflight: false });
  expect(quiet.lines).toHaveLength(0);
  const loud = setUp("debug");
  loud.write({ ...refusal, preflight: false });
  expect(loud.lines).toMatchObject([{ level: 20 }]);
});

test("a flood writes a burst, then one line per second that says how many were left out", () => {
  const { lines, clock, write } = setUp("info");
  for (let i = 0; i < 10_000; i++) write(refusal);
  expect(lines).toHaveLength(60);
  clock.milliseconds += 999;
  write(refusal);
  expect(lines).toHaveLength(60);
  clock.milliseconds += 1;
  for (let i = 0; i < 100; i++) write(refusal);
  expect(lines).toHaveLength(61);
  expect(lines[60]?.cors.suppressed).toBe(9_941);
});

test("after a pause a whole burst is allowed again, but not more", () => {
  const { lines, clock, write } = setUp("info");
  for (let i = 0; i < 100; i++) write(refusal);
  clock.milliseconds += 3_600_000;
  for (let i = 0; i < 100; i++) write(refusal);
  expect(lines).toHaveLength(120);
});

test("a flood of unreadable replies does not suppress the lines of preflights", () => {
  const { lines, write } = setUp("debug");
  for (let i = 0; i < 100; i++) write({ ...refusal, preflight: false });
  write(refusal);
  expect(lines.filter((line) => line.cors.preflight)).toHaveLength(1);
});

import { once } from "node:events";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { type CallContext, TIMEOUT_HEADER } from "../../packages/twirp/src/index.ts";
import { timeLimitOf } from "../../packages/twirp/src/time-limits.ts";
import { WireConnection } from "../conformance/twirp-http.ts";
import { echo, listenOn, serve } from "./serve.ts";
import { type Hats, hatService, recordingHooks } from "./service.ts";

const TIME = 5000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A promise that stays open until the test settles it. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("the time for a call", () => {
  test.each<[header: string | undefined, server: number | undefined, ms: number | undefined]>([
    [undefined, undefined, undefined],
    [undefined, 500, 500],
    ["20", undefined, 20],
    ["20", 500, 20],
    ["500", 20, 20],
    ["0000000020", undefined, 20],
    ["9999999999", undefined, 2 ** 31 - 1],
  ])("with header %s and server maximum %s is %s", (header, server, ms) => {
    expect(timeLimitOf(header === undefined ? {} : { [TIMEOUT_HEADER]: header }, server)).toEqual({ ms });
  });

  test.each(["", " ", "0", "00", "-1", "+1", "1.5", "1e3", "0x10", "10ms", "10S", "12345678901", "1, 2", "Infinity"])(
    "with header %j is malformed, and the error says so",
    async (header) => {
      const { call } = await serve({ services: [hatService(echo)], deadline: 1000 });
      const { status, body } = await call("Make", {}, { [TIMEOUT_HEADER]: header });
      expect(status).toBe(400);
      expect(body).toEqual({
        code: "malformed",
        msg: `header twirp-timeout-ms must be a whole number of milliseconds from 1 to 9999999999, got ${JSON.stringify(header)}`,
      });
    },
  );
});

describe("a call whose time passes", () => {
  test.each<[who: string, deadline: number | undefined, headers: Record<string, string>]>([
    ["the server", 20, {}],
    ["the caller", undefined, { [TIMEOUT_HEADER]: "20" }],
    ["the caller, below the server's,", 60_000, { [TIMEOUT_HEADER]: "20" }],
    ["the server, below the caller's,", 20, { [TIMEOUT_HEADER]: "60000" }],
  ])("set by %s is answered at once, whatever the method does", async (_who, deadline, headers) => {
    const events: string[] = [];
    const never = gate();
    const { call, log } = await serve({
      services: [
        hatService({
          Make: async (_context, hat) => {
            await never.opened;
            return hat;
          },
        }),
      ],
      hooks: [recordingHooks(events)],
      ...(deadline !== undefined && { deadline }),
    });
    expect(await call("Make", {}, headers)).toMatchObject({
      status: 408,
      body: { code: "deadline_exceeded", msg: "deadline exceeded: the call took longer than 20 ms" },
    });
    await expect.poll(() => events).toEqual(["received ", "routed Make", "error deadline_exceeded 408", "sent 408"]);
    expect(log).toEqual([]);
    never.open();
  });

  test.each<[what: string, finish: (context: CallContext) => unknown, err: string | undefined]>([
    ["a result", () => ({ size: 1n, name: "late", tags: [] }), undefined],
    [
      "the signal's reason",
      ({ signal }) => signal.throwIfAborted(),
      "deadline exceeded: the call took longer than 20 ms",
    ],
    [
      "an unforeseen error",
      () => {
        throw new Error("secret");
      },
      "secret",
    ],
  ])("discards %s that comes later, and says so at debug", async (_what, finish, err) => {
    const late = gate();
    const Make: Hats["Make"] = async (context) => {
      await late.opened;
      return finish(context);
    };
    const { call, log } = await serve({ services: [hatService({ Make })], deadline: 20 }, undefined, "debug");
    expect((await call("Make")).status).toBe(408);
    late.open();
    await expect
      .poll(() => log.filter(({ msg }) => msg === "discarded what came after the end of the call"))
      .toEqual([
        expect.objectContaining({
          level: 20,
          rpc: "hats.HatService/Make",
          code: "deadline_exceeded",
          ...(err !== undefined && { err: expect.objectContaining({ message: err }) }),
        }),
      ]);
    expect(log.filter(({ level }) => level >= 40)).toEqual([]);
  });

  test.each(["before", "after"])("aborts a signal that is used %s, with that error as the reason", async (when) => {
    let context: CallContext | undefined;
    const never = gate();
    const Make: Hats["Make"] = async (own) => {
      context = own;
      if (when === "before") await once(own.signal, "abort");
      await never.opened;
    };
    const { call } = await serve({ services: [hatService({ Make })], deadline: 20 });
    await call("Make");
    expect(context?.signal.aborted).toBe(true);
    expect(context?.signal.reason).toMatchObject({ code: "deadline_exceeded" });
    never.open();
  });

  test("is answered while extendContext, a hook or another plugin is still at work", async () => {
    const never = gate();
    const wait = () => never.opened;
    const extending = await serve({
      services: [hatService(echo)],
      deadline: 20,
      extendContext: () => never.opened.then(() => ({})),
    });
    const received = await serve({
      services: [hatService(echo)],
      deadline: 20,
      hooks: [{ requestReceived: wait }],
    });
    const prepared = await serve({
      services: [hatService(echo)],
      deadline: 20,
      hooks: [{ responsePrepared: wait }],
    });
    const foreign = await serve({ services: [hatService(echo)], deadline: 20 }, (app) =>
      app.addHook("preHandler", wait),
    );
    for (const { call } of [extending, received, prepared, foreign]) {
      expect(await call("Make")).toMatchObject({ status: 408, body: { code: "deadline_exceeded" } });
    }
    never.open();
  });

  test("is answered while its body still arrives, and the connection ends", async () => {
    const { app } = await serve({ services: [hatService(echo)], deadline: 50 });
    const connection = new WireConnection(await listenOn(app));
    closing.push(() => app.close());
    closing.push(() => connection.destroy());
    await connection.write({
      method: "POST",
      target: "/twirp/hats.HatService/Make",
      headers: { "Content-Type": "application/json", "Content-Length": "100" },
      body: Buffer.from('{"na'),
    });
    const response = await connection.read("POST", TIME);
    expect(response?.status).toBe(408);
    expect(response?.headers.get("connection")).toEqual(["close"]);
    expect(JSON.parse(response?.body.toString() ?? "")).toMatchObject({ code: "deadline_exceeded" });
    expect(await connection.read("POST", TIME)).toBeUndefined();
  });
});

/** Resolves when a time of as many milliseconds, started now, has passed a server. */
async function pass(deadline: number): Promise<void> {
  const never = gate();
  const { call } = await serve({ services: [hatService({ Make: () => never.opened })], deadline });
  expect((await call("Make")).status).toBe(408);
  never.open();
}

test("a call that is answered in time keeps its signal, and its deadline has no further effect", async () => {
  let context: CallContext | undefined;
  const Make: Hats["Make"] = (own, hat) => {
    context = own;
    expect(own.signal.aborted).toBe(false);
    return hat;
  };
  const { call, log } = await serve({ services: [hatService({ Make })] }, undefined, "warn");
  expect((await call("Make", {}, { [TIMEOUT_HEADER]: "30" })).status).toBe(200);
  await pass(40);
  expect(context?.signal.aborted).toBe(false);
  expect(log).toEqual([]);
});

test("a reply of another plugin is not changed when the deadline passes", async () => {
  const answer = (app: FastifyInstance) =>
    app.addHook("preHandler", async (_request, reply) => reply.code(429).send({ slow: "down" }));
  const { call, log } = await serve({ services: [hatService(echo)], deadline: 30 }, answer, "warn");
  expect(await call("Make")).toMatchObject({ status: 429, body: { slow: "down" } });
  await pass(40);
  expect(log).toEqual([]);
});

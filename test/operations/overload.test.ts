import { describe, expect, test, vi } from "vitest";
import type { WireResponse } from "../conformance/twirp-http.ts";
import { lockAccount, openAccount, openFunded, untilWaitingForLock } from "../setup/ledger.ts";
import { readSeries } from "../setup/metrics.ts";
import { call, connection, preflight, probe, REFUSED, rawSocket, seen, start, TIME } from "../setup/overload.ts";

describe("a rate limit", () => {
  test("per address refuses before the token is checked, but neither preflights nor probes", async () => {
    const service = await start({ RATE_LIMIT_PER_ADDRESS: "2" });
    const client = connection(service);
    const statuses: (number | undefined)[] = [];
    // Three calls can't take the second in which two more become due on the slowest machine, in one write.
    await Promise.all([1, 2, 3].map(() => client.write(call())));
    let last: WireResponse | undefined;
    for (const _ of [1, 2, 3]) {
      last = await client.read("POST", TIME);
      statuses.push(last?.status);
    }
    expect(statuses).toEqual([401, 401, 429]);
    expect(seen(last)).toMatchObject({ ...REFUSED, retryAfterMs: expect.stringMatching(/^\d+$/) });
    for (const [request, status] of [
      [preflight, 204],
      [probe("/healthz"), 200],
      [probe("/metrics"), 200],
    ] as const) {
      await client.write(request);
      expect((await client.read(request.method, TIME))?.status).toBe(status);
    }
    expect(await readSeries(service.url, 'overload_refusals_total{reason="rate_per_address"}')).toBe(1);
    expect(await readSeries(service.url, 'rpc_requests_total{method="GetAccount",code="resource_exhausted"}')).toBe(1);
  });

  test("per address counts the client of a trusted proxy, and trusts no other", async () => {
    for (const [trusted, statuses] of [
      ["127.0.0.1", [401, 401]],
      ["10.0.0.0/8", [401, 429]],
    ] as const) {
      const service = await start({ RATE_LIMIT_PER_ADDRESS: "1", TRUST_PROXY: trusted });
      const client = connection(service);
      const from = (address: string) => call("{}", { "X-Forwarded-For": address });
      await Promise.all(["203.0.113.1", "203.0.113.2"].map((address) => client.write(from(address))));
      const replies = [await client.read("POST", TIME), await client.read("POST", TIME)];
      expect(replies.map((reply) => reply?.status)).toEqual(statuses);
    }
  });

  test("per caller refuses the token's subject, and nobody else", async () => {
    const service = await start({ RATE_LIMIT_PER_CALLER: "1" });
    const client = connection(service);
    const as = async (subject: string) =>
      call('{"id":"1"}', { Authorization: `Bearer ${await service.token(subject)}` });
    const requests = [await as("alice"), await as("alice"), await as("bob")];
    await Promise.all(requests.map((request) => client.write(request)));
    const replies = [];
    for (const _ of requests) replies.push(await client.read("POST", TIME));
    expect(replies.map((reply) => reply?.status)).toEqual([404, 429, 404]);
    expect(seen(replies[1])).toMatchObject(REFUSED);
    expect(await readSeries(service.url, 'overload_refusals_total{reason="rate_per_caller"}')).toBe(1);
  });
});

test("per caller counts the transfers of a batch, which may pass a second's when nothing is owed", async () => {
  const service = await start({ RATE_LIMIT_PER_CALLER: "100" });
  const client = connection(service);
  const token = `Bearer ${await service.token("alice")}`;
  const transfers = Array.from({ length: 1000 }, () => ({}));
  const batch = call(JSON.stringify({ transfers }), { Authorization: token }, "BatchCreateTransfers");
  const requests = [batch, batch, call('{"id":"1"}', { Authorization: token })];
  await Promise.all(requests.map((request) => client.write(request)));
  const replies = [];
  for (const _ of requests) replies.push(await client.read("POST", TIME));
  expect(replies.map((reply) => reply?.status)).toEqual([200, 429, 429]);
  expect(seen(replies[1])).toMatchObject({ ...REFUSED, retryAfter: expect.any(String) });
  // Ten seconds' worth was taken, and some time may have gone by.
  expect(Number(seen(replies[1]).retryAfter)).toBeGreaterThan(3);
  expect(await readSeries(service.url, 'overload_refusals_total{reason="rate_per_caller"}')).toBe(2);
});

test.each([
  ["memory", { OVERLOAD_MEMORY_BYTES: "1" }],
  ["heap", { OVERLOAD_HEAP_BYTES: "1" }],
])(
  "under pressure of %s calls are turned away in Twirp's form, but no probe and no preflight",
  async (reason, limit) => {
    const service = await start(limit);
    const client = connection(service);
    await vi.waitFor(
      async () => {
        await client.write(call());
        expect(seen(await client.read("POST", TIME))).toEqual({ ...REFUSED, retryAfterMs: "1000" });
      },
      { timeout: TIME, interval: 50 },
    );
    await client.write(preflight);
    expect((await client.read("OPTIONS", TIME))?.status).toBe(204);
    await client.write(probe("/readyz"));
    expect((await client.read("GET", TIME))?.status).toBe(200);
    expect(await readSeries(service.url, `overload_refusals_total{reason="${reason}"}`)).toBeGreaterThan(0);
  },
);

test("an event loop that runs late refuses calls until it keeps up again", async () => {
  const service = await start({ OVERLOAD_EVENT_LOOP_DELAY_MS: "100" });
  const client = connection(service);
  const ask = async () => {
    await client.write(call());
    return seen(await client.read("POST", TIME));
  };
  await vi.waitFor(
    async () => {
      const until = performance.now() + 400;
      while (performance.now() < until);
      expect(await ask()).toEqual({ ...REFUSED, retryAfterMs: "1000" });
    },
    { timeout: TIME, interval: 5 },
  );
  expect(await readSeries(service.url, 'overload_refusals_total{reason="event_loop_delay"}')).toBeGreaterThan(0);
  await vi.waitFor(async () => expect(await ask()).toMatchObject({ status: 401 }), { timeout: TIME, interval: 50 });
}, 30_000);

describe("of ten times the calls that may be in flight", () => {
  test("further calls are refused at once, the accepted ones are answered, and then the next one is accepted", async () => {
    const inFlightMax = 20;
    // A busy machine must not refuse for a reason of its own.
    const service = await start({ MAX_REQUESTS_IN_FLIGHT: `${inFlightMax}`, OVERLOAD_EVENT_LOOP_DELAY_MS: "0" });
    const from = await openFunded(service, "alice", 1000);
    const to = await openAccount(service, "bob");
    const move = { debit_account_id: from, credit_account_id: to, amount: 1 };
    const lock = await lockAccount(service.pool, from);
    const first = service.call("CreateTransfer", move);
    await untilWaitingForLock(service.pool, 1);

    const refused: unknown[] = [];
    const calls = Array.from({ length: 10 * inFlightMax - 1 }, async () => {
      const reply = await service.call("CreateTransfer", move);
      if (reply.status !== 200) refused.push(reply);
      return reply;
    });
    // The database stands still: who is refused waits for nothing, and of the others only so many are kept.
    await vi.waitFor(() => expect(refused).toHaveLength(9 * inFlightMax), { timeout: TIME, interval: 5 });
    expect(await readSeries(service.url, 'ledger_queue_depth{queue="postings"}')).toBe(inFlightMax - 1);
    expect(refused[0]).toMatchObject({ status: 429, body: { code: "resource_exhausted" } });
    await lock.release();

    const replies = await Promise.all([first, ...calls]);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(inFlightMax);
    expect((await service.call("CreateTransfer", move)).status).toBe(200);
    expect((await service.call("GetAccount", { id: to })).body.balance).toBe(`${inFlightMax + 1}`);
  });
});

describe("a client that is slow or wasteful", () => {
  test("with its header gets 408 in Twirp's form", async () => {
    const service = await start({}, { limits: { headersTimeoutMs: 100, checkIntervalMs: 20 } });
    const { socket, received, ended } = rawSocket(service);
    socket.write(`POST ${call().target} HTTP/1.1\r\nHost: localhost\r\nX-Slow: `);
    await ended;
    expect(received()).toMatch(/^HTTP\/1\.1 408 /);
    expect(received()).toContain('{"code":"deadline_exceeded"');
    expect(await readSeries(service.url, 'http_broken_requests_total{reason="timeout"}')).toBe(1);
  });

  test("and sends nothing at all is disconnected too", async () => {
    const service = await start({}, { limits: { headersTimeoutMs: 100, checkIntervalMs: 20 } });
    const { received, ended } = rawSocket(service);
    await ended;
    expect(received()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("with its body gets 408 that a page can read, and the connection ends", async () => {
    const service = await start({}, { limits: { bodyTimeoutMs: 100 } });
    const client = connection(service);
    const authorization = `Bearer ${await service.token("alice")}`;
    await client.write(call('{"id"', { "Content-Length": "100", Authorization: authorization }));
    expect(seen(await client.read("POST", TIME))).toMatchObject({
      status: 408,
      code: "deadline_exceeded",
      readable: true,
    });
    expect(await client.read("POST", TIME)).toBeUndefined();
  });

  test("with too large a header gets 431 in Twirp's form that a page can read", async () => {
    const service = await start();
    const client = connection(service);
    await client.write(call("{}", { "X-Large": "x".repeat(20_000) }));
    expect(seen(await client.read("POST", TIME))).toMatchObject({ status: 431, code: "malformed", readable: true });
    expect(await client.read("POST", TIME)).toBeUndefined();
    expect(await readSeries(service.url, 'http_broken_requests_total{reason="header_too_large"}')).toBe(1);
  });

  test("with too large a header learns nothing on a foreign origin", async () => {
    const service = await start();
    const client = connection(service);
    await client.write(call("{}", { "X-Large": "x".repeat(20_000), Origin: "https://evil.example" }));
    const response = await client.read("POST", TIME);
    expect(response?.status).toBe(431);
    expect(response?.headers.has("access-control-allow-origin")).toBe(false);
  });

  test("that reads no replies is disconnected, and its waiting replies are dropped", async () => {
    const service = await start({}, { limits: { silenceTimeoutMs: 200 } });
    const { socket, ended } = rawSocket(service);
    socket.pause();
    // More replies than the kernel keeps for a client.
    socket.write(`GET /${"x".repeat(7000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(1000));
    await vi.waitFor(async () => expect(await readSeries(service.url, "http_requests_in_flight")).toBeGreaterThan(1), {
      timeout: 4 * TIME,
    });
    await vi.waitFor(async () => expect(await readSeries(service.url, "http_requests_in_flight")).toBe(1), {
      timeout: 4 * TIME,
    });
    socket.resume();
    await ended;
  }, 60_000);
});

test("connections over the limit are refused, first request by request and then at once; the others are served", async () => {
  const service = await start({ MAX_CONNECTIONS: "2" });
  const served = [connection(service), connection(service)];
  for (const client of served) {
    await client.write(call());
    expect((await client.read("POST", TIME))?.status).toBe(401);
  }
  const surplus = connection(service);
  await surplus.write(call());
  expect(seen(await surplus.read("POST", TIME))).toEqual({ ...REFUSED, retryAfterMs: "1000" });
  expect(await surplus.read("POST", TIME)).toBeUndefined();

  // A hundred more than may be are open to be told so.
  const idle = Array.from({ length: 101 }, () => rawSocket(service));
  const first = await Promise.race(idle.map((each) => each.ended.then(() => each)));
  // Closed by this limit: the one of time would have said so.
  expect(first.received()).toBe("");
  for (const client of served) {
    await client.write(call());
    expect((await client.read("POST", TIME))?.status).toBe(401);
  }
  for (const { socket } of idle) socket.destroy();
  await vi.waitFor(
    async () => {
      const client = connection(service);
      await client.write(call());
      expect((await client.read("POST", TIME))?.status).toBe(429);
    },
    { timeout: TIME },
  );
  served[0]?.destroy();
  await vi.waitFor(
    async () => {
      const client = connection(service);
      await client.write(call());
      expect((await client.read("POST", TIME))?.status).toBe(401);
    },
    { timeout: TIME },
  );
});

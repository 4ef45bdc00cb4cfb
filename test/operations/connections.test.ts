import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import { describe, expect, test, vi } from "vitest";
import { Connections, proxiesIn } from "../../src/plugins/index.ts";
import { readSeries } from "../setup/metrics.ts";
import { call, connection, probe, REFUSED, rawSocket, seen, start, TIME } from "../setup/overload.ts";
import type { TestService } from "../setup/service.ts";

/** A connection from an address, as the server announces it. */
class StandInSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function connectionsOf(options: { max?: number; maxPerAddress?: number; proxies?: string[] }) {
  const server = new EventEmitter();
  const dropped: string[] = [];
  const connections = new Connections(server as Server, {
    max: options.max ?? 1000,
    maxPerAddress: options.maxPerAddress ?? Number.POSITIVE_INFINITY,
    isProxy: proxiesIn(options.proxies ?? []),
    onDrop: (reason) => dropped.push(reason),
  });
  return {
    connections,
    dropped,
    open(address: string) {
      const socket = new StandInSocket(address);
      server.emit("connection", socket);
      return { socket, reason: connections.surplusReason(socket as never) };
    },
  };
}

describe("connections of one address", () => {
  test("are counted by address, and by IPv6 network", () => {
    const { open } = connectionsOf({ maxPerAddress: 1 });
    const reasons = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "::ffff:192.0.2.1", "2001:db8::2"].map(
      (address) => open(address).reason,
    );
    const beyond = "connections_per_address";
    expect(reasons).toEqual([undefined, undefined, undefined, undefined, beyond, beyond]);
  });

  test("free their places when they close, even those over the limit", () => {
    const { open, connections } = connectionsOf({ maxPerAddress: 2 });
    const [first, second, third] = [1, 2, 3].map(() => open("192.0.2.1"));
    expect(third?.reason).toBe("connections_per_address");
    third?.socket.destroy();
    expect(open("192.0.2.1").reason).toBe("connections_per_address");
    first?.socket.destroy();
    second?.socket.destroy();
    expect(open("192.0.2.1").reason).toBeUndefined();
    expect(connections.open).toBe(2);
  });

  test("are not counted for proxies", () => {
    const { open } = connectionsOf({ maxPerAddress: 1, proxies: ["10.0.0.0/8", "loopback"] });
    for (const address of ["10.1.2.3", "10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "127.0.0.1", "::1", "::1"]) {
      expect(open(address).reason).toBeUndefined();
    }
    expect([open("192.0.2.1").reason, open("192.0.2.1").reason]).toEqual([undefined, "connections_per_address"]);
  });

  test("over all limits close the oldest one that is over its own limit", () => {
    const { open, dropped, connections } = connectionsOf({ max: 3, maxPerAddress: 2 });
    const kept = [open("192.0.2.1"), open("192.0.2.1"), open("192.0.2.2")];
    const surplus = Array.from({ length: 100 }, () => open("192.0.2.1"));
    expect(dropped).toEqual([]);
    open("192.0.2.3");
    expect(surplus.map(({ socket }) => socket.destroyed)).toEqual([true, ...Array(99).fill(false)]);
    expect(kept.some(({ socket }) => socket.destroyed)).toBe(false);
    expect([dropped, connections.open]).toEqual([["connections"], 103]);
  });
});

test.each<[list: string[], inside: string[], outside: string[]]>([
  [[], [], ["127.0.0.1", "::1"]],
  [["192.0.2.7"], ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.8"]],
  [
    ["10.0.0.0/8", "2001:db8::/32"],
    ["10.255.0.1", "2001:db8:1::"],
    ["11.0.0.1", "2001:db9::"],
  ],
  [["loopback"], ["127.8.9.1", "::1"], ["128.0.0.1", "10.0.0.1"]],
  [["linklocal"], ["169.254.1.1", "fe80::1"], ["169.255.0.1", "fec0::1"]],
  [["uniquelocal"], ["10.0.0.1", "172.31.0.1", "192.168.1.1", "fd00::1"], ["172.32.0.1", "192.169.0.1", "fe00::1"]],
])("proxies in %j", (list, inside, outside) => {
  const isProxy = proxiesIn(list);
  expect(inside.map(isProxy)).toEqual(inside.map(() => true));
  expect(outside.map(isProxy)).toEqual(outside.map(() => false));
});

describe("one address that fills its connections", () => {
  /** A new connection that is answered once. */
  async function ask(service: TestService, request: Parameters<ReturnType<typeof connection>["write"]>[0]) {
    const client = connection(service);
    await client.write(request);
    return await client.read(request.method, TIME);
  }

  test("is refused readably for pages, and health checks are answered", async () => {
    const service = await start({ MAX_CONNECTIONS_PER_ADDRESS: "2" });
    const served = [connection(service), connection(service)];
    for (const client of served) {
      await client.write(call());
      expect((await client.read("POST", TIME))?.status).toBe(401);
    }
    const refused = await ask(service, call());
    expect(seen(refused)).toEqual({ ...REFUSED, retryAfterMs: "1000" });
    expect(refused?.body.toString()).toContain("too many connections are open from your address");
    // More idle connections than are kept over the limit.
    const idle = Array.from({ length: 150 }, () => rawSocket(service));
    await Promise.race(idle.map(({ ended }) => ended));
    for (const target of ["/healthz", "/readyz", "/metrics"]) {
      expect((await ask(service, probe(target)))?.status).toBe(200);
    }
    for (const client of served) {
      await client.write(call());
      expect((await client.read("POST", TIME))?.status).toBe(401);
    }
    const dropped = 'overload_refusals_total{reason="connections_per_address"}';
    expect(await readSeries(service.url, dropped)).toBeGreaterThan(50);
  });

  test.each([[{ MAX_CONNECTIONS_PER_ADDRESS: "0" }], [{ MAX_CONNECTIONS_PER_ADDRESS: "1", TRUST_PROXY: "loopback" }]])(
    "may have any number by %j",
    async (environment) => {
      const service = await start(environment);
      for (const _ of [1, 2, 3]) {
        const client = connection(service);
        await client.write(call());
        expect((await client.read("POST", TIME))?.status).toBe(401);
      }
      expect(await readSeries(service.url, "http_connections")).toBeGreaterThanOrEqual(3);
    },
  );
});

test("scrapes within a moment share one text", async () => {
  const service = await start({}, { limits: { metricsSharedMs: 3_600_000 } });
  const scrape = async () => await (await fetch(`${service.url}/metrics`)).text();
  const first = await scrape();
  await service.call("GetAccount", { id: 1 });
  expect(await scrape()).toBe(first);
  const fresh = await start();
  expect(await readSeries(fresh.url, "http_requests_in_flight")).toBe(1);
  await fresh.call("GetAccount", { id: 1 });
  await vi.waitFor(
    async () => expect(await readSeries(fresh.url, 'rpc_requests_total{method="GetAccount",code="not_found"}')).toBe(1),
    { timeout: TIME },
  );
});

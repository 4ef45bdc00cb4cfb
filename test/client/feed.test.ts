/** The feed of events from the service, in each transport and format, through cut connections, kills and restarts. */
import axios from "axios";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type ClientOptions,
  createFinanceClient,
  type Event,
  type EventsOptions,
  EventType,
  type FinanceClient,
  type Format,
} from "../../packages/client/src/index.ts";
import { openFaultyNetwork } from "../faults/network.ts";
import { createTestDatabase } from "../setup/database.ts";
import { openAccount } from "../setup/ledger.ts";
import { freePort, type Instance, startInstance } from "../setup/process.ts";
import { seededRandom } from "../setup/random.ts";
import { startTestService, type TestService } from "../setup/service.ts";

interface Way {
  readonly way: string;
  readonly transport: ClientOptions["transport"];
  readonly format: Format;
}

const ways: readonly Way[] = (["json", "protobuf"] as const).flatMap((format) => [
  { way: `${format} over fetch`, transport: fetch, format },
  { way: `${format} over axios`, transport: axios, format },
]);

/** A consumer of the feed that runs until it is stopped. */
class Consumer {
  readonly events: Event[] = [];
  readonly states: string[] = [];
  readonly ended: Promise<unknown>;
  readonly #controller = new AbortController();

  constructor(finance: FinanceClient, options: EventsOptions = {}) {
    this.ended = this.#consume(finance, {
      ...options,
      signal: this.#controller.signal,
      onState: (state) => this.states.push(state),
    }).catch((error: unknown) => error);
  }

  async #consume(finance: FinanceClient, options: EventsOptions): Promise<void> {
    for await (const event of finance.events(options)) this.events.push(event);
  }

  get ids(): number[] {
    return this.events.map(({ id }) => Number(id));
  }

  async untilItHas(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.events.length).toBeGreaterThanOrEqual(count), { timeout: 30_000, interval: 5 });
  }

  async untilItIs(state: string): Promise<void> {
    await vi.waitFor(() => expect(this.states.at(-1)).toBe(state), { timeout: 30_000, interval: 5 });
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    expect(await this.ended).toMatchObject({ code: "canceled" });
  }
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe("one service", () => {
  let service: TestService;
  let token: string;
  let from: string;
  let to: string;
  /** The number of events so far. */
  let total = 0;

  beforeAll(async () => {
    service = await startTestService();
    token = await service.token("root", "finance.admin");
    from = await openAccount(service, "alice", { unlimited_overdraft: true });
    to = await openAccount(service, "alice");
    total = 2;
  });
  afterAll(() => service?.close());
  afterEach(() => vi.restoreAllMocks());

  function clientOf(way: Partial<Way> = {}, options: Partial<ClientOptions> = {}): FinanceClient {
    const { transport, format } = way;
    return createFinanceClient({ baseUrl: service.url, token, transport, format, ...options });
  }

  async function post(count: number, request: object = {}): Promise<void> {
    for (let posted = 0; posted < count; posted += 1) {
      const transfer = { debit_account_id: from, credit_account_id: to, amount: "1", ...request };
      expect(await service.call("CreateTransfer", transfer)).toMatchObject({ status: 200 });
    }
    total += count;
  }

  describe.each(ways)("$way", (way) => {
    test("each change comes once and in order, though the connection breaks within replies", async () => {
      // No waits between the tries.
      vi.spyOn(Math, "random").mockReturnValue(0);
      const random = seededRandom(7);
      const network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(new URL(service.url).port) });
      const consumer = new Consumer(clientOf(way, { baseUrl: `http://127.0.0.1:${network.port}` }));
      try {
        await consumer.untilItHas(total);
        for (let round = 1; round <= 5; round += 1) {
          network.cutAfter(Array.from({ length: 20 }, () => Math.floor(random() * 1500)));
          network.cut();
          await post(5);
          await consumer.untilItHas(total);
        }
        await consumer.stop();
        expect(consumer.ids).toEqual(upTo(total));
        expect(network.broken).toBeGreaterThanOrEqual(5);
        expect(consumer.states.slice(0, 3)).toEqual(["live", "reconnecting", "live"]);
        expect(consumer.states.at(-1)).toBe("live");
      } finally {
        await network.close();
      }
    });

    test("events are messages, with the cursor to continue after each", async () => {
      await post(1, { description: "rent" });
      const all = new Consumer(clientOf(way));
      await all.untilItHas(total);
      await all.stop();
      expect(all.events[0]).toMatchObject({ type: EventType.EVENT_TYPE_ACCOUNT_CREATED, account: { owner: "alice" } });
      expect(all.events.at(-1)).toMatchObject({
        id: BigInt(total),
        type: EventType.EVENT_TYPE_TRANSFER_POSTED,
        actor: "root",
        transfer: { description: "rent", amount: 1n },
        entries: [{ accountId: BigInt(from) }, { accountId: BigInt(to), amount: 1n }],
      });
      for (const index of [0, 3, total - 2]) {
        const rest = new Consumer(clientOf(way), { cursor: all.events[index]?.cursor });
        await rest.untilItHas(total - index - 1);
        await rest.stop();
        expect(rest.ids).toEqual(upTo(total).slice(index + 1));
      }
    });

    test("return cancels the call that waits", async () => {
      const feed = clientOf(way).events({ fromEnd: true });
      const next = feed.next();
      expect(await feed.return()).toEqual({ done: true, value: undefined });
      expect(await next).toEqual({ done: true, value: undefined });
    });
  });

  test("from the end, the first page comes at once, and then only newer changes", async () => {
    const pages = clientOf().events.pages({ fromEnd: true });
    const first = await pages.next();
    expect(first.value).toMatchObject({ events: [], cursor: expect.stringMatching(/./) });
    const [second] = await Promise.all([pages.next(), post(1)]);
    expect(second.value?.events.map(({ id }) => Number(id))).toEqual([total]);
    await pages.return();
  });

  test("the feed of one account has its changes only, and its cursor passes the others", async () => {
    const other = await openAccount(service, "bob");
    total += 1;
    const accountId = BigInt(other);
    const consumer = new Consumer(clientOf(), { accountId });
    await post(3);
    await post(1, { credit_account_id: other });
    await post(3);
    await consumer.untilItHas(2);
    await consumer.stop();
    expect(consumer.events.map(({ account, transfer }) => [account?.id, transfer?.creditAccountId])).toEqual([
      [accountId, undefined],
      [undefined, accountId],
    ]);
    const pages = clientOf().events.pages({ accountId, cursor: consumer.events.at(-1)?.cursor });
    const { value } = await pages.next();
    expect(value?.events).toEqual([]);
    await pages.return();
    const rest = new Consumer(clientOf(), { cursor: value?.cursor });
    await post(1);
    await rest.untilItHas(1);
    await rest.stop();
    expect(rest.ids).toEqual([total]);
  });

  test("an owner sees the changes of her own accounts", async () => {
    const mine = await openAccount(service, "carol");
    await openAccount(service, "dave");
    total += 2;
    const finance = clientOf({}, { token: await service.token("carol") });
    const consumer = new Consumer(finance);
    await post(2, { credit_account_id: mine });
    await consumer.untilItHas(3);
    await consumer.stop();
    expect(consumer.ids).toEqual([total - 3, total - 1, total]);
    expect(consumer.events[1]).toMatchObject({ actor: "", entries: [{ accountId: BigInt(mine) }] });
  });

  test("it renews a token that expires, and throws if there is no other", async () => {
    const expired = await service.token("root", "finance.admin", -60);
    const refused: (string | undefined)[] = [];
    const renewing = clientOf(
      {},
      {
        token: async (request) => {
          refused.push(request.refused);
          return request.refused === undefined ? expired : token;
        },
      },
    );
    const consumer = new Consumer(renewing);
    await consumer.untilItHas(total);
    await consumer.stop();
    expect(refused).toContain("token_expired");
    const feed = clientOf({}, { token: expired }).events();
    await expect(feed.next()).rejects.toMatchObject({ code: "unauthenticated", reason: "token_expired" });
  });

  test.each<[what: string, options: EventsOptions, error: object]>([
    ["a cursor that is none", { cursor: "x" }, { code: "invalid_argument" }],
    ["both starts", { cursor: "x", fromEnd: true }, { code: "invalid_argument" }],
    ["an unknown account", { accountId: 999_999n }, { code: "not_found" }],
    ["a wait that is too long", { waitMs: 25_001 }, { code: "invalid_argument" }],
  ])("%s is refused", async (_, options, error) => {
    const consumer = new Consumer(clientOf(), { fromEnd: options.cursor === undefined, ...options });
    expect(await consumer.ended).toMatchObject(error);
    expect(consumer.states).not.toContain("reconnecting");
  });

  test("a cursor of another ledger is refused", async () => {
    const other = await startTestService();
    try {
      await openAccount(other, "alice");
      const feed = createFinanceClient({
        baseUrl: other.url,
        token: await other.token("root", "finance.admin"),
      }).events();
      const { value } = await feed.next();
      await feed.return();
      const consumer = new Consumer(clientOf(), { cursor: value?.cursor });
      expect(await consumer.ended).toMatchObject({ code: "failed_precondition", reason: "feed_diverged" });
    } finally {
      await other.close();
    }
  });
});

describe("a service that restarts", () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let instance: Instance | undefined;
  let port: number;
  const consumers: Consumer[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    port = await freePort();
  });
  afterEach(async () => {
    for (const consumer of consumers.splice(0)) await consumer.stop();
    instance?.process.child.kill("SIGKILL");
    await instance?.process.ended;
  });
  afterAll(() => database?.drop());

  async function start(): Promise<Instance> {
    instance = await startInstance(database.url, { PORT: `${port}` });
    return instance;
  }

  async function open(service: Instance, count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += 1) {
      const account = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" };
      expect(await service.call("CreateAccount", account)).toMatchObject({ status: 200 });
    }
  }

  /** A consumer in each way, all of which have this many events. */
  async function follow(service: Instance, count: number): Promise<void> {
    for (const { transport, format } of ways) {
      const baseUrl = `http://127.0.0.1:${port}`;
      consumers.push(new Consumer(createFinanceClient({ baseUrl, token: service.token, transport, format })));
    }
    await Promise.all(consumers.map((consumer) => consumer.untilItHas(count)));
    await Promise.all(consumers.map((consumer) => consumer.untilItIs("live")));
  }

  test("after a kill, each consumer continues where it was", async () => {
    const first = await start();
    await open(first, 30);
    await follow(first, 30);
    first.process.child.kill("SIGKILL");
    expect(await first.process.ended).toBe("SIGKILL");
    await Promise.all(consumers.map((consumer) => consumer.untilItIs("reconnecting")));
    const second = await start();
    await open(second, 30);
    for (const consumer of consumers) {
      await consumer.untilItHas(60);
      expect(consumer.ids).toEqual(upTo(60));
      expect(consumer.states).toEqual(["live", "reconnecting", "live"]);
    }
  });

  test("a stopping service lets the consumers go, and they continue with the next", async () => {
    const first = await start();
    await follow(first, 60);
    first.process.child.kill("SIGTERM");
    expect(await first.process.ended).toBe(0);
    const second = await start();
    await open(second, 5);
    for (const consumer of consumers) {
      await consumer.untilItHas(65);
      expect(consumer.ids).toEqual(upTo(65));
      expect(consumer.states.at(-1)).toBe("live");
    }
  });
});

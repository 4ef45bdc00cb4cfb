import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { retryDelayMs } from "../../packages/client/src/call.ts";
import {
  type ClientOptions,
  createFinanceClient,
  type FinanceClient,
  FinanceError,
} from "../../packages/client/src/index.ts";
import { startTestService } from "../setup/service.ts";
import {
  jsonReply,
  refusalReply,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";

let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

function clientOf(options: Partial<ClientOptions> = {}) {
  return createFinanceClient({ baseUrl: server.url, ...options });
}

const away: ScriptedReply = { status: 503 };
const transfer = { debitAccountId: 1n, creditAccountId: 2n, amount: 3n };

describe("what is safe to repeat", () => {
  test.each<[what: string, call: (finance: FinanceClient) => Promise<unknown>, tries: number]>([
    ["a read", (finance) => finance.getAccount({ id: 4n }), 2],
    ["a list", (finance) => finance.listEntries({ accountId: 4n }), 2],
    ["a write that gets a key", (finance) => finance.createTransfer(transfer), 2],
    ["a batch whose members get keys", (finance) => finance.batchCreateTransfers({ transfers: [transfer] }), 2],
    ["a capture", (finance) => finance.captureTransfer({ id: 8n }), 2],
    ["not a write that takes no key", (finance) => finance.updateAccount({ id: 4n }), 1],
  ])("%s", async (_, call, tries) => {
    server.reply(away, jsonReply({}));
    await call(clientOf()).catch((error: unknown) => expect(error).toMatchObject({ status: 503 }));
    expect(server.seen).toHaveLength(tries);
    const bodies = new Set(server.seen.map(({ body }) => body.toString()));
    expect(bodies.size).toBe(1);
  });
});

describe("what is worth repeating", () => {
  test.each<[what: string, reply: ScriptedReply, tries: number]>([
    ["502 of a proxy", { status: 502, body: "<html>" }, 2],
    ["503 of a proxy", { status: 503 }, 2],
    ["504 of a proxy", { status: 504 }, 2],
    ["a connection that ended", { fault: "drop" }, 2],
    ["unavailable", refusalReply(503, { code: "unavailable", msg: "" }), 2],
    [
      "a full queue that says when",
      refusalReply(429, { code: "resource_exhausted", msg: "", meta: { retry_after_ms: "1" } }),
      2,
    ],
    ["a proxy's limit that says when", { status: 429, headers: { "retry-after": "0" } }, 2],
    ["not a full queue that does not say", refusalReply(429, { code: "resource_exhausted", msg: "" }), 1],
    ["not what is unforeseen", refusalReply(500, { code: "internal", msg: "" }), 1],
    ["not a refusal", refusalReply(412, { code: "failed_precondition", msg: "" }), 1],
    ["not what took too long", refusalReply(408, { code: "deadline_exceeded", msg: "" }), 1],
    ["not 500 of a proxy", { status: 500 }, 1],
    ["not a reply that broke off", { fault: "cut" }, 1],
    ["not a reply that can't be read", { headers: { "content-type": "text/html" } }, 1],
  ])("%s", async (_, reply, tries) => {
    server.reply(reply, jsonReply({}));
    await clientOf()
      .createTransfer(transfer)
      .catch((error: unknown) => expect(error).toBeInstanceOf(FinanceError));
    expect(server.seen).toHaveLength(tries);
  });
});

test("it gives up after maxRetries with the last error, and calls onReply for each reply", async () => {
  server.reply(away);
  const statuses: number[] = [];
  const onReply = ({ status }: { status: number }) => statuses.push(status);
  await expect(clientOf().getAccount({ id: 4n }, { onReply })).rejects.toMatchObject({ status: 503 });
  expect(statuses).toEqual([503, 503, 503]);
  server.reply(away);
  await expect(clientOf({ maxRetries: 1 }).getAccount({ id: 4n })).rejects.toMatchObject({ status: 503 });
  expect(server.seen).toHaveLength(2);
  await expect(clientOf().getAccount({ id: 4n }, { maxRetries: 0 })).rejects.toMatchObject({ status: 503 });
  expect(server.seen).toHaveLength(3);
});

test("it does not wait if the next try would be too late", async () => {
  server.reply({ status: 503, headers: { "retry-after": "60" } });
  await expect(clientOf().getAccount({ id: 4n }, { timeoutMs: 5000 })).rejects.toMatchObject({
    status: 503,
    retryAfterMs: 60_000,
  });
  expect(server.seen).toHaveLength(1);
});

test("it does not wait longer than a timer can", async () => {
  server.reply({ status: 503, headers: { "retry-after": "9999999" } });
  const call = clientOf().getAccount({ id: 4n }, { timeoutMs: Number.POSITIVE_INFINITY });
  await expect(call).rejects.toMatchObject({ status: 503 });
  expect(server.seen).toHaveLength(1);
});

test("a call can be canceled between two tries", async () => {
  server.reply({ status: 503, headers: { "retry-after": "20" } });
  const controller = new AbortController();
  const call = clientOf().getAccount({ id: 4n }, { signal: controller.signal, onReply: () => controller.abort() });
  await expect(call).rejects.toMatchObject({ code: "canceled" });
  expect(server.seen).toHaveLength(1);
});

test("each try asks for the token again", async () => {
  server.reply(away, jsonReply({}));
  const tokens = ["t1", "t2"];
  await clientOf({ token: async () => tokens.shift() ?? "" }).getAccount({ id: 4n });
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t2"]);
});

describe("keys", () => {
  interface Sent {
    readonly idempotencyKey?: string;
    readonly transfers?: readonly Sent[];
  }

  async function sent(call: (finance: FinanceClient) => Promise<unknown>): Promise<Sent> {
    server.reply(jsonReply({}));
    await call(clientOf());
    return JSON.parse(String(server.seen[0]?.body));
  }

  test.each<[what: string, call: (finance: FinanceClient) => Promise<unknown>]>([
    ["an account", (finance) => finance.createAccount({ name: "x" })],
    ["a transfer", (finance) => finance.createTransfer(transfer)],
    ["a capture", (finance) => finance.captureTransfer({ id: 8n })],
    ["a void", (finance) => finance.voidTransfer({ id: 8n })],
    ["a reversal", (finance) => finance.reverseTransfer({ id: 8n })],
  ])("%s gets one, another for each call", async (_, call) => {
    const [one, two] = [await sent(call), await sent(call)];
    expect(one.idempotencyKey).toMatch(/^[0-9a-f]{32}$/);
    expect(two.idempotencyKey).not.toBe(one.idempotencyKey);
  });

  test("each member of a batch gets its own, or keeps the one that it has", async () => {
    const request = { transfers: [transfer, { ...transfer, idempotencyKey: "mine" }, transfer] };
    const before = structuredClone(request);
    const keys = (await sent((finance) => finance.batchCreateTransfers(request))).transfers?.map(
      (t) => t.idempotencyKey,
    );
    expect(keys?.[1]).toBe("mine");
    expect(new Set(keys).size).toBe(3);
    expect(request).toEqual(before);
  });

  test("a read gets no key", async () => {
    expect(await sent((finance) => finance.getAccount({ id: 4n }))).toEqual({ id: "4" });
  });
});

describe("the wait", () => {
  const refused = (code: "unavailable" | "resource_exhausted", retryAfterMs?: number) =>
    new FinanceError(code, "", { retryAfterMs });

  test.each<[error: FinanceError, failures: number, atLeastMs: number, belowMs: number]>([
    [refused("unavailable"), 0, 0, 100],
    [refused("unavailable"), 1, 0, 200],
    [refused("unavailable"), 30, 0, 2000],
    [refused("unavailable", 1000), 0, 1000, 1100],
    [refused("resource_exhausted", 500), 2, 500, 900],
  ])("%o after failure %d: from %d to less than %d ms", (error, failures, atLeastMs, belowMs) => {
    const waits = Array.from({ length: 200 }, () => retryDelayMs(error, failures) ?? -1);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(atLeastMs);
    expect(Math.max(...waits)).toBeLessThan(belowMs);
    expect(new Set(waits).size).toBeGreaterThan(100);
  });
});

test("a transfer whose reply was lost is posted once", async () => {
  const service = await startTestService();
  try {
    let isLost = false;
    // Drop the first reply, as if the connection broke after the service answered.
    const losing: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (isLost || !String(url).endsWith("/CreateTransfer")) return response;
      isLost = true;
      await response.arrayBuffer();
      throw new TypeError("fetch failed");
    };
    const token = await service.token("root", "finance.admin");
    const finance = createFinanceClient({ baseUrl: service.url, token, transport: losing });
    const account = { name: "x", type: 2, currency: "USD", unlimitedOverdraft: true };
    const { id: debitAccountId } = await finance.createAccount(account);
    const { id: creditAccountId } = await finance.createAccount(account);
    const replays: boolean[] = [];
    const onReply = ({ isReplay }: { isReplay: boolean }) => replays.push(isReplay);
    const posted = await finance.createTransfer({ debitAccountId, creditAccountId, amount: 5n }, { onReply });
    expect(posted.creditAccountBalance).toBe(5n);
    expect(replays).toEqual([true]);
    expect((await finance.getAccount({ id: creditAccountId })).balance).toBe(5n);
  } finally {
    await service.close();
  }
});

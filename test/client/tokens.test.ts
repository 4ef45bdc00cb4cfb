/** Calls whose token the service refuses. */
import { EventEmitter, once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClientOptions, createFinanceClient, type TokenRequest } from "../../packages/client/src/index.ts";
import { startTestService } from "../setup/service.ts";
import {
  jsonReply,
  refusalReply,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";
import { ways } from "./transports.ts";

let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const expired = refusalReply(401, { code: "unauthenticated", msg: "", meta: { reason: "token_expired" } });
const transfer = { debitAccountId: 1n, creditAccountId: 2n, amount: 3n };

function clientOf(token: NonNullable<ClientOptions["token"]>) {
  return createFinanceClient({ baseUrl: server.url, token });
}

const bearers = () => server.seen.map(({ headers }) => headers.authorization?.replace("Bearer ", ""));

test("the token function gets the reason of a refusal, and the call is sent once more with the same key", async () => {
  server.reply(expired, jsonReply({ id: "8" }));
  const asked: TokenRequest[] = [];
  const finance = clientOf((request) => `t${asked.push(request)}`);
  expect(await finance.createTransfer(transfer)).toMatchObject({ id: 8n });
  expect(asked).toEqual([{ refused: undefined }, { refused: "token_expired" }]);
  expect(bearers()).toEqual(["t1", "t2"]);
  const keys = server.seen.map(({ body }) => JSON.parse(String(body)).idempotencyKey);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
});

test.each<[what: string, reply: ScriptedReply, refused: string]>([
  [
    "another reason",
    refusalReply(401, { code: "unauthenticated", msg: "", meta: { reason: "token_signature_invalid" } }),
    "token_signature_invalid",
  ],
  ["no reason", refusalReply(401, { code: "unauthenticated", msg: "" }), "unauthenticated"],
  ["a proxy", { status: 401, body: "<html>" }, "unauthenticated"],
])("401 with %s is told too", async (_, reply, refused) => {
  server.reply(reply, jsonReply({}));
  const asked: (string | undefined)[] = [];
  await clientOf((request) => `t${asked.push(request.refused)}`).updateAccount({ id: 4n });
  expect(asked).toEqual([undefined, refused]);
});

describe("it never loops", () => {
  test("a new token that is refused too ends the call", async () => {
    server.reply(expired);
    const asked: TokenRequest[] = [];
    const call = clientOf((request) => `t${asked.push(request)}`).getAccount({ id: 4n });
    await expect(call).rejects.toMatchObject({ status: 401, reason: "token_expired" });
    expect(bearers()).toEqual(["t1", "t2"]);
    expect(asked).toHaveLength(2);
  });

  test("a token that was refused is not sent again", async () => {
    server.reply(expired);
    await expect(clientOf(() => "t").getAccount({ id: 4n })).rejects.toMatchObject({ status: 401 });
    expect(bearers()).toEqual(["t"]);
  });

  test("a fixed token that was refused is not sent again", async () => {
    server.reply(expired);
    await expect(clientOf("t").getAccount({ id: 4n })).rejects.toMatchObject({ status: 401 });
    expect(bearers()).toEqual(["t"]);
  });

  test("an exception of the token function becomes the error", async () => {
    server.reply(expired);
    const call = clientOf(({ refused }) => {
      if (refused) throw new Error("signed out");
      return "t";
    }).getAccount({ id: 4n });
    await expect(call).rejects.toMatchObject({ reason: "token_unavailable", message: "no token: Error: signed out" });
  });

  test("the next call repeats a failed renewal", async () => {
    server.reply(expired, expired, jsonReply({ id: "4" }));
    let attempts = 0;
    const finance = clientOf(({ refused }) => {
      if (!refused) return "old";
      attempts += 1;
      if (attempts === 1) throw new Error("offline");
      return "new";
    });
    await expect(finance.getAccount({ id: 4n })).rejects.toMatchObject({ reason: "token_unavailable" });
    expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
    expect(attempts).toBe(2);
  });
});

describe("a useless renewal is not kept", () => {
  /** A function that does not remember the tokens that it renewed. */
  function forgetful(...renewed: readonly (string | Promise<string>)[]) {
    const left = [...renewed];
    return clientOf(({ refused }) => (refused ? (left.shift() ?? "none left") : "old"));
  }

  const failed = (call: Promise<unknown>) => expect(call).rejects;

  test("a new token that expires too", async () => {
    server.reply(expired, jsonReply({}), expired, jsonReply({}), expired, expired, expired, jsonReply({ id: "4" }));
    const finance = forgetful("one", "two");
    await finance.getAccount({ id: 4n });
    await finance.getAccount({ id: 4n });
    await failed(finance.getAccount({ id: 4n })).toMatchObject({ reason: "token_expired" });
    expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
    expect(bearers()).toEqual(["old", "one", "old", "one", "old", "one", "old", "two"]);
  });

  test("the old token again", async () => {
    server.reply(expired, expired, jsonReply({ id: "4" }));
    const finance = forgetful("old", "new");
    await failed(finance.getAccount({ id: 4n })).toMatchObject({ reason: "token_expired" });
    expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
    expect(bearers()).toEqual(["old", "old", "new"]);
  });

  test("a token function that never returns", async () => {
    server.reply(expired, expired, jsonReply({ id: "4" }));
    const finance = forgetful(new Promise(() => undefined), "new");
    const call = finance.getAccount({ id: 4n }, { timeoutMs: 300 });
    await failed(call).toMatchObject({ reason: "timed_out" });
    expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
    expect(bearers()).toEqual(["old", "old", "new"]);
  });

  test("but a renewal is kept for other calls if a caller cancels or the service is away", async () => {
    server.reply(expired, expired, { status: 503 }, expired, jsonReply({ id: "4" }));
    const asked = new EventEmitter<{ asked: []; renewed: [] }>();
    const finance = clientOf(async ({ refused }) => {
      if (!refused) return "old";
      asked.emit("asked");
      await once(asked, "renewed");
      return "new";
    });
    const controller = new AbortController();
    const left = finance.getAccount({ id: 4n }, { signal: controller.signal });
    await once(asked, "asked");
    const call = finance.getAccount({ id: 4n });
    await server.received(2);
    controller.abort();
    await failed(left).toMatchObject({ reason: "canceled" });
    asked.emit("renewed");
    expect(await call).toMatchObject({ id: 4n });
    expect(bearers()).toEqual(["old", "old", "new", "old", "new"]);
  });
});

test("a 403 asks for no new token", async () => {
  server.reply(refusalReply(403, { code: "permission_denied", msg: "" }));
  const asked: TokenRequest[] = [];
  const call = clientOf((request) => `t${asked.push(request)}`).getAccount({ id: 4n });
  await expect(call).rejects.toMatchObject({ status: 403 });
  expect(asked).toHaveLength(1);
});

test("other retries continue after a renewal", async () => {
  server.reply(expired, { status: 503 }, jsonReply({ id: "4" }));
  let token = "old";
  const finance = clientOf(({ refused }) => {
    if (refused) token = "new";
    return token;
  });
  expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
  expect(bearers()).toEqual(["old", "new", "new"]);
});

test.each(ways)("calls that are refused together share one new token: $way", async ({ transport, format }) => {
  const service = await startTestService();
  try {
    const old = await service.token("alice", "finance.read finance.write", -60);
    const fresh = await service.token("alice");
    let current = old;
    const refusals: string[] = [];
    const token = async ({ refused }: TokenRequest) => {
      if (refused === undefined) return current;
      refusals.push(refused);
      current = fresh;
      return fresh;
    };
    const finance = createFinanceClient({ baseUrl: service.url, token, transport, format });
    const account = { type: 2, currency: "USD" };
    const names = Array.from({ length: 20 }, (_, index) => `account ${index}`);
    const opened = await Promise.all(names.map((name) => finance.createAccount({ ...account, name })));
    expect(opened.map(({ name }) => name)).toEqual(names);
    expect(refusals).toEqual(["token_expired"]);
    expect((await finance.listAccounts()).accounts).toHaveLength(20);
  } finally {
    await service.close();
  }
});

import Fastify from "fastify";
import { TwirpError } from "twirp-ts";
import { describe, expect, test } from "vitest";
import {
  FinanceServiceClientJSON,
  FinanceServiceClientProtobuf,
} from "../../generated/ts-proto/finance/v1/finance.twirp-client.ts";
import { CreateTransferRequest } from "../../generated/ts-proto/finance/v1/transfer.ts";
import {
  type InjectTransportOptions,
  injectTransport,
  type TwirpOptions,
  twirp,
} from "../../packages/twirp/src/index.ts";
import { financeStandIn } from "./finance-stand-in.ts";

async function finance(options: Partial<TwirpOptions> = {}) {
  const app = Fastify();
  await app.register(twirp, { services: [financeStandIn()], ...options });
  return app;
}

describe.each([
  ["JSON", FinanceServiceClientJSON],
  ["protobuf", FinanceServiceClientProtobuf],
])("the generated %s client over an app in memory", (_format, Client) => {
  async function client(options?: InjectTransportOptions, mount?: Partial<TwirpOptions>) {
    return new Client(injectTransport(await finance(mount), options));
  }

  test("gets replies", async () => {
    expect(await (await client()).GetAccount({ id: 4n })).toMatchObject({
      id: 4n,
      name: "caffè ☕",
      type: 1,
      balance: 9_007_199_254_740_993n,
      metadata: { team: "a" },
    });
  });

  test("sends every field", async () => {
    const request = CreateTransferRequest.fromPartial({
      ...{ debitAccountId: 2n ** 62n, creditAccountId: 7n, amount: 1n, idempotencyKey: "k" },
      metadata: { note: "für Ω" },
    });
    expect(await (await client()).CreateTransfer(request)).toMatchObject({
      ...{ debitAccountId: 2n ** 62n, creditAccountId: 7n, amount: 1n, idempotencyKey: "k" },
      metadata: { note: "für Ω" },
    });
  });

  test("throws the Twirp error that the service answered", async () => {
    const error: unknown = await (await client()).GetAccount({ id: -4n }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TwirpError);
    expect(error).toMatchObject({ code: "not_found", msg: "no account -4", meta: { resource: "account" } });
  });

  test("finds another prefix, and sends headers that hooks see", async () => {
    const seen: unknown[] = [];
    const mounted = await client(
      { prefix: "/api", headers: { authorization: "Bearer t" } },
      { prefix: "/api", extendContext: ({ request }) => ({ seen: seen.push(request.headers.authorization) }) },
    );
    await mounted.GetAccount({ id: 1n });
    expect(seen).toEqual(["Bearer t"]);
  });
});

test("a view of a larger buffer is sent exactly, and replies have memory of their own", async () => {
  const transport = injectTransport(await finance());
  const request = CreateTransferRequest.encode(CreateTransferRequest.fromPartial({ amount: 5n })).finish();
  const shared = new Uint8Array(request.length + 20).fill(255);
  shared.set(request, 10);
  const reply = await transport.request(
    "finance.v1.FinanceService",
    "CreateTransfer",
    "application/protobuf",
    shared.subarray(10, 10 + request.length),
  );
  expect(reply).toBeInstanceOf(Uint8Array);
  expect(reply).not.toBeInstanceOf(Buffer);
  // id 1 and amount 5: field 1 and field 4, both varints.
  expect(reply).toEqual(new Uint8Array([0x08, 1, 0x20, 5]));
  expect(reply instanceof Uint8Array && reply.buffer.byteLength).toBe(4);
});

test.each([
  [301, "internal"],
  [401, "unauthenticated"],
  [404, "bad_route"],
  [429, "resource_exhausted"],
  [503, "unavailable"],
  [418, "unknown"],
])("a reply %i that is not in Twirp's form is the error %s, marked as another's", async (status, code) => {
  const app = Fastify();
  app.addHook("onRequest", async (_request, reply) => reply.code(status).send('{"code":"teapot"}'));
  await app.register(twirp, { services: [financeStandIn()] });
  const client = new FinanceServiceClientJSON(injectTransport(app));
  await expect(client.GetAccount({ id: 1n })).rejects.toMatchObject({
    code,
    meta: { http_error_from_intermediary: "true", status_code: String(status), body: '{"code":"teapot"}' },
  });
});

test.each(["data_loss", "dataloss"])("an error %s, in either spelling, is data_loss", async (code) => {
  const app = Fastify();
  app.addHook("onRequest", async (_request, reply) => reply.code(500).send({ code, msg: "gone", meta: {} }));
  await app.register(twirp, { services: [financeStandIn()] });
  const client = new FinanceServiceClientJSON(injectTransport(app));
  await expect(client.GetAccount({ id: 1n })).rejects.toMatchObject({ code: "data_loss", msg: "gone" });
});

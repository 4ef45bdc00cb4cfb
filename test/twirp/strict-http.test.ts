/** What becomes of bytes that are no HTTP request, or none that HTTP allows. */
import Fastify from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { createTwirpClientErrors, strictHttp, twirp, twirpFrameworkErrors } from "../../packages/twirp/src/index.ts";
import { WireConnection, type WireResponse } from "../conformance/twirp-http.ts";
import { type BrokenRequest, brokenRequests, ORIGIN, REQUEST_ID } from "./broken-requests.ts";
import { listenOn } from "./serve.ts";
import { type Hats, hatService } from "./service.ts";

const TIME = 10_000;
const PATH = "/twirp/hats.HatService/Make";
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listen(Make?: Hats["Make"]): Promise<WireConnection> {
  return connectTo((await start(Make)).port);
}

function connectTo(port: number): WireConnection {
  const connection = new WireConnection(port);
  closing.push(() => connection.destroy());
  return connection;
}

async function start(Make: Hats["Make"] = async (_context, hat) => hat) {
  const app = Fastify({
    http: { requireHostHeader: false, maxHeaderSize: 16_384 },
    forceCloseConnections: true,
    frameworkErrors: twirpFrameworkErrors(),
    clientErrorHandler: createTwirpClientErrors({
      headersFor: (origin, header) => ({ "x-origin": origin, "x-id": header("x-request-id") }),
    }),
  });
  await app.register(strictHttp, {
    decorate: ({ headers }, reply) => {
      reply.headers({ "x-origin": headers.origin, "x-id": headers["x-request-id"] });
    },
  });
  await app.register(twirp, { services: [hatService({ Make })] });
  closing.push(() => app.close());
  return { server: app.server, port: await listenOn(app) };
}

function good(body = '{"name":"cap"}'): Buffer {
  return Buffer.from(
    `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function bodyOf(response: WireResponse | undefined): { code?: string; msg?: string; name?: string; meta?: object } {
  return JSON.parse(response?.body.toString() ?? "{}");
}

function expectRefusal(response: WireResponse | undefined, { status, code, msg, hasNoOrigin }: BrokenRequest): void {
  expect(response?.status).toBe(status);
  expect(response?.headers.get("content-type")).toEqual(["application/json"]);
  expect(bodyOf(response)).toMatchObject({ code, msg: expect.stringContaining(msg) });
  if (hasNoOrigin !== true) {
    expect(response?.headers.get("x-origin")).toEqual([ORIGIN]);
    expect(response?.headers.get("x-id")).toEqual([REQUEST_ID]);
  }
}

describe("refused in Twirp's form, with headers that depend on the Origin, is", () => {
  test.each(brokenRequests(PATH).map((broken) => [broken.name, broken] as const))("%s", async (_name, broken) => {
    const connection = await listen();
    await connection.send(broken.bytes);
    expectRefusal(await connection.read("POST", TIME), broken);
    if (broken.goesOn) {
      await connection.send(good());
      expect(bodyOf(await connection.read("POST", TIME))).toMatchObject({ name: "cap" });
    } else expect(await connection.read("POST", TIME)).toBeUndefined();
  });
});

describe("what came before on the connection is answered first, and then", () => {
  test.each(brokenRequests(PATH).map((broken) => [broken.name, broken] as const))("%s", async (_name, broken) => {
    let finish: () => void = () => undefined;
    const called = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const connection = await listen(async (_context, hat) => {
      await called;
      return hat;
    });
    await connection.send(Buffer.concat([good('{"name":"first"}'), good('{"name":"second"}'), broken.bytes]));
    finish();
    expect(bodyOf(await connection.read("POST", TIME))).toMatchObject({ name: "first" });
    expect(bodyOf(await connection.read("POST", TIME))).toMatchObject({ name: "second" });
    expectRefusal(await connection.read("POST", TIME), broken);
  });
});

describe("no fault is found in", () => {
  const head = "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n";
  test.each([
    ["HTTP/1.0 without a Host", `POST ${PATH} HTTP/1.0\r\n${head}{"name":"cap"}`],
    ["an empty Host", `POST ${PATH} HTTP/1.1\r\nHost:\r\n${head}{"name":"cap"}`],
    ["an address of version 6", `POST ${PATH} HTTP/1.1\r\nHost: [::1]:80\r\n${head}{"name":"cap"}`],
    ["a host with a port that is none", `POST ${PATH} HTTP/1.1\r\nHost: a:abc\r\n${head}{"name":"cap"}`],
    ["a target with scheme and host", `POST http://other:1${PATH}?a HTTP/1.1\r\nHost: a\r\n${head}{"name":"cap"}`],
    [
      "an offer to upgrade",
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${head}{"name":"cap"}`,
    ],
    ["an expectation that nobody knows", `POST ${PATH} HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n${head}{"name":"cap"}`],
    ["100-continue", `POST ${PATH} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n${head}{"name":"cap"}`],
    ["1000 header lines", `POST ${PATH} HTTP/1.1\r\nHost: a\r\n${"a: b\r\n".repeat(997)}${head}{"name":"cap"}`],
    [
      "chunks in another spelling",
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nContent-Type: application/json\r\n\r\ne\r\n{"name":"cap"}\r\n0\r\n\r\n`,
    ],
    [
      "white space around a media type",
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: \t application/json \t; a=b\r\nContent-Length: 14\r\n\r\n{"name":"cap"}`,
    ],
    ["an empty Content-Encoding", `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Encoding:\r\n${head}{"name":"cap"}`],
    [
      "identity twice",
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Encoding: identity ,\tIDENTITY\r\n${head}{"name":"cap"}`,
    ],
  ])("%s", async (_what, bytes) => {
    const connection = await listen();
    await connection.send(Buffer.from(bytes, "latin1"));
    const response = await connection.read("POST", TIME);
    expect(bodyOf(response)).toMatchObject({ name: "cap" });
    expect(response?.status).toBe(200);
  });
});

describe("no route is found for", () => {
  test.each([
    ["a fragment, which a target does not have", `POST ${PATH}#a`, `POST ${PATH}#a`, `no handler for path "${PATH}#a"`],
    ["OPTIONS *", "OPTIONS *", "OPTIONS *", 'unsupported method "OPTIONS" (only POST is allowed)'],
    ["POST *", "POST *", "POST *", 'no handler for path "*"'],
    ["a host without a path", "POST http://other", "POST ", 'no handler for path ""'],
    ["a WebSocket", `GET ${PATH}`, `GET ${PATH}`, 'unsupported method "GET" (only POST is allowed)'],
    ["CONNECT to a host", "CONNECT other:80", "CONNECT ", 'unsupported method "CONNECT" (only POST is allowed)'],
  ])("%s", async (_what, line, route, msg) => {
    const connection = await listen();
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    await connection.send(Buffer.from(`${line} HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`));
    const response = await connection.read("POST", TIME);
    expect(response?.status).toBe(404);
    expect(bodyOf(response)).toEqual({ code: "bad_route", msg, meta: { twirp_invalid_route: route } });
  });
});

test("bytes after a request whose end is unclear are not carried out, because they may be a part of it", async () => {
  const names: string[] = [];
  const connection = await listen(async (_context, hat) => {
    names.push(hat.name);
    return hat;
  });
  const unclear = `POST ${PATH} HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
  await connection.send(Buffer.concat([good('{"name":"first"}'), Buffer.from(unclear), good('{"name":"smuggled"}')]));
  expect((await connection.read("POST", TIME))?.status).toBe(200);
  expect((await connection.read("POST", TIME))?.status).toBe(400);
  expect(await connection.read("POST", TIME)).toBeUndefined();
  expect(names).toEqual(["first"]);
});

test.each([
  ["asks for it", `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`],
  ["leaves its end unclear", `POST ${PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n`],
])("nothing follows the reply that ends a connection, to a request that %s", async (_what, head) => {
  const connection = await listen();
  await connection.send(Buffer.from(`${head}2\r\n{}\r\n0\r\n\r\n`));
  expect((await connection.read("POST", TIME))?.headers.get("connection")?.at(-1)?.toLowerCase()).toBe("close");
  expect(await connection.read("POST", TIME)).toBeUndefined();
});

test("a body that will not be read is not requested", async () => {
  const connection = await listen();
  await connection.send(Buffer.from(`POST ${PATH} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 14\r\n\r\n`));
  const response = await connection.readAny("POST", TIME);
  expect(response?.status).toBe(400);
});

test("an invalid chunk after a head that came earlier is refused with that head's Origin", async () => {
  const connection = await listen();
  await connection.send(
    Buffer.from(
      `POST ${PATH} HTTP/1.1\r\nHost: a\r\nOrigin: ${ORIGIN}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n`,
    ),
  );
  expect((await connection.readAny("POST", TIME))?.status).toBe(100);
  await connection.send(Buffer.from("zz\r\n"));
  const response = await connection.read("POST", TIME);
  expect(response?.status).toBe(400);
  expect(response?.headers.get("x-origin")).toEqual([ORIGIN]);
});

test("a client that disconnects before its CONNECT is refused does no harm", async () => {
  let finish: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { port } = await start(async (_context, hat) => {
    await gone;
    return hat;
  });
  const connection = connectTo(port);
  await connection.send(Buffer.concat([good(), Buffer.from("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")]));
  connection.destroy();
  finish();
  const next = connectTo(port);
  await next.send(good());
  expect(bodyOf(await next.read("POST", TIME))).toMatchObject({ name: "cap" });
});

test.each(["CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "garbage\r\n\r\n"])(
  "a connection is closed when its client closes it, after calls that were followed by %j",
  async (broken) => {
    const { server, port } = await start();
    const connection = connectTo(port);
    await connection.send(Buffer.concat([good(), Buffer.from(broken)]));
    expect((await connection.read("POST", TIME))?.status).toBe(200);
    expect((await connection.read("POST", TIME))?.status).toBeGreaterThanOrEqual(400);
    connection.destroy();
    const count = () => new Promise((resolve) => server.getConnections((_error, open) => resolve(open)));
    await expect.poll(count, { timeout: TIME }).toBe(0);
  },
);

import { createConnection, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { brotliCompressSync, gzipSync } from "node:zlib";
import Fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isTwirpCode, STATUS_OF_CODE } from "../../packages/twirp/src/codes.ts";
import { strictHttp, twirp, twirpClientErrors, twirpFrameworkErrors } from "../../packages/twirp/src/index.ts";
import { WireConnection, type WireRequest, type WireResponse } from "../conformance/twirp-http.ts";
import { seededRandom } from "../setup/random.ts";
import { financeStandIn } from "./finance-stand-in.ts";
import { hostileRequest } from "./hostile-requests.ts";
import { listenOn } from "./serve.ts";

/** The same seed makes the same requests. */
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const CASES = Number(process.env["FUZZ_CASES"] ?? 4000);
const PARALLEL = 16;
const REPLY_TIME = 5000;
const HEAP_GROWTH_MAX = 8 * 2 ** 20;

const TARGET = "/twirp/finance.v1.FinanceService/CreateTransfer";
const JSON_HEADERS = { "Content-Type": "application/json" };

let app: FastifyInstance;
let port: number;
const logged: string[] = [];

beforeAll(async () => {
  app = Fastify({
    http: { requireHostHeader: false },
    frameworkErrors: twirpFrameworkErrors(),
    clientErrorHandler: twirpClientErrors,
    logger: { level: "error", stream: { write: (line: string) => logged.push(line) } },
  });
  await app.register(strictHttp);
  await app.register(twirp, { services: [financeStandIn()], bodyLimit: 262_144, readTimeout: 300 });
  port = await listenOn(app);
});
afterAll(async () => {
  await app.close();
});

/** What is wrong with a reply, if anything. */
function flawOf(reply: WireResponse | undefined): string | undefined {
  if (reply === undefined) return "no reply";
  const type = reply.headers.get("content-type")?.join();
  if (reply.status === 200) {
    return type === "application/json" || type === "application/protobuf" ? undefined : `a success of type ${type}`;
  }
  if (reply.status >= 500) return `status ${reply.status}: ${reply.body}`;
  if (type !== "application/json") return `an error of type ${type}`;
  const { code = "", msg }: { code?: string; msg?: unknown } = JSON.parse(reply.body.toString());
  // Too large a header has a status of HTTP's own.
  if (reply.status === 431 && code === "malformed" && typeof msg === "string") return undefined;
  if (typeof msg !== "string" || !isTwirpCode(code) || STATUS_OF_CODE[code] !== reply.status) {
    return `status ${reply.status} with ${reply.body}`;
  }
  return undefined;
}

async function exchange(request: WireRequest): Promise<WireResponse | undefined> {
  const connection = new WireConnection(port);
  try {
    await connection.write(request);
    return await connection.read(request.method, REPLY_TIME);
  } finally {
    connection.destroy();
  }
}

/** Writes bytes as they are, in pieces, and returns all that comes back until the server closes. */
async function converse(pieces: readonly (Buffer | string)[]): Promise<string> {
  const socket: Socket = createConnection({ host: "127.0.0.1", port });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    // A reset after the reply is the server's right.
    socket.on("error", () => resolve());
  });
  for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  await closed;
  return received;
}

/** Bytes of live heap. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test(`${CASES} hostile requests get replies in Twirp's form, and memory stays flat (FUZZ_SEED=${SEED})`, async () => {
  const random = seededRandom(SEED);
  const flaws: string[] = [];
  const run = async (count: number) => {
    const requests = Array.from({ length: count }, () => hostileRequest(random));
    const workers = Array.from({ length: PARALLEL }, async () => {
      for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
        const { name, wire } = request;
        const flaw = await exchange(wire).then(flawOf, (error: unknown) => String(error));
        if (flaw !== undefined) flaws.push(`${name}: ${flaw} for ${wire.method} ${wire.target} ${describeWire(wire)}`);
      }
    });
    await Promise.all(workers);
  };
  await run(CASES / 4);
  const before = heapInUse();
  await run((CASES * 3) / 4);
  expect(flaws.slice(0, 10)).toEqual([]);
  expect(logged).toEqual([]);
  expect(heapInUse() - before).toBeLessThan(HEAP_GROWTH_MAX);
  expect(
    flawOf(await exchange({ method: "POST", target: TARGET, headers: JSON_HEADERS, body: Buffer.from("{}") })),
  ).toBe(undefined);
});

function describeWire({ headers, body }: WireRequest): string {
  return `${JSON.stringify(headers).slice(0, 300)} ${JSON.stringify(body.toString("latin1").slice(0, 200))}`;
}

describe("is refused in Twirp's form:", () => {
  const deep = 100_000;
  const metadata = (value: string) => `{"metadata":{"a":${value}}}`;

  test.each<
    [what: string, headers: Record<string, string | string[]>, body: string | Buffer, status: number, code: string]
  >([
    ["arrays nested deep", JSON_HEADERS, `{"x":${"[".repeat(deep)}`, 400, "malformed"],
    ["objects nested deep", JSON_HEADERS, '{"x":'.repeat(deep), 400, "malformed"],
    ["groups nested deep", { "Content-Type": "application/protobuf" }, Buffer.alloc(deep, 0x83), 400, "malformed"],
    [
      "start-group tags nested deep",
      { "Content-Type": "application/protobuf" },
      Buffer.alloc(deep, Buffer.from([0xa3, 0x06])),
      400,
      "malformed",
    ],
    [
      "a body of 100 MB that is only declared",
      { ...JSON_HEADERS, "Content-Length": "100000000" },
      "{}",
      400,
      "malformed",
    ],
    ["gzip", { ...JSON_HEADERS, "Content-Encoding": "gzip" }, gzipSync("{}"), 400, "malformed"],
    ["brotli", { ...JSON_HEADERS, "Content-Encoding": "br" }, brotliCompressSync("{}"), 400, "malformed"],
    ["an unknown coding", { ...JSON_HEADERS, "Content-Encoding": "x" }, "{}", 400, "malformed"],
    ["a body that ends early", { ...JSON_HEADERS, "Content-Length": "10" }, "{}", 408, "deadline_exceeded"],
    ["a header flood", { ...JSON_HEADERS, "X-Flood": Array(3000).fill("x".repeat(20)) }, "{}", 431, "malformed"],
    ["a number where a map value belongs", JSON_HEADERS, metadata("1"), 400, "malformed"],
    ["a key given twice", JSON_HEADERS, '{"metadata":{"__proto__":"1","__proto__":"2"}}', 400, "malformed"],
  ])("%s", async (_what, headers, body, status, code) => {
    const reply = await exchange({ method: "POST", target: TARGET, headers, body: Buffer.from(body) });
    expect(flawOf(reply)).toBe(undefined);
    expect(reply?.status).toBe(status);
    expect(JSON.parse(reply?.body.toString() ?? "")).toMatchObject({ code });
  });
});

test("keys that mean something to JavaScript are data, and change no object", async () => {
  const body =
    '{"metadata":{"__proto__":"p","constructor":"c","toString":"t"},"__proto__":{"polluted":1},"amount":"1"}';
  const reply = await exchange({ method: "POST", target: TARGET, headers: JSON_HEADERS, body: Buffer.from(body) });
  expect(reply?.status).toBe(200);
  expect(reply?.body.toString()).toContain('"metadata":{"__proto__":"p","constructor":"c","toString":"t"}');
  expect(Reflect.get({}, "polluted")).toBe(undefined);
});

test("a body that arrives byte by byte is read if it is complete in time", async () => {
  const connection = createConnection({ host: "127.0.0.1", port });
  const head = `POST ${TARGET} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
  connection.write(head);
  for (const byte of '{"amount":"12"}') await new Promise((resolve) => connection.write(`1\r\n${byte}\r\n`, resolve));
  connection.write("0\r\n\r\n");
  expect((await connection.toArray()).join("")).toMatch(/^HTTP\/1\.1 200 [\s\S]*"amount":"12"/);
});

describe("a connection on which garbage follows", () => {
  const good = `POST ${TARGET} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  const chunked = `POST ${TARGET} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;

  test.each<[what: string, pieces: (Buffer | string)[], statuses: number[]]>([
    ["a good call is answered before it is refused", [`${good}\0\x01garbage\r\n\r\n`], [200, 400]],
    [
      "good calls are answered before it is refused",
      [`${good}${good}FOO / HTTP/1.1\r\n\r\n`, "more", "more"],
      [200, 200, 404],
    ],
    ["nothing gets a refusal", ["\x16\x03\x01\x02\0\x01\0"], [400]],
    ["half a chunk gets a refusal", [`${chunked}ZZ\r\n{}\r\n`], [400]],
    ["an endless chunk size gets a refusal", [`${chunked}${"f".repeat(40)}\r\n`], [400]],
    ["two lengths get a refusal", [good.replace("Content-Length: 2", "Content-Length: 2\r\nContent-Length: 3")], [400]],
    ["a length and chunks get a refusal", [chunked.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n")], [400]],
  ])("%s", async (_what, pieces, statuses) => {
    const received = await converse(pieces);
    const found = [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    expect(found).toEqual(statuses);
    if (statuses.some((status) => status !== 200)) expect(received).toMatch(/"code":"(?:malformed|bad_route)"/);
  });
});

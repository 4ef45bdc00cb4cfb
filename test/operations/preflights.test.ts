import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readSeries } from "../setup/metrics.ts";
import { startTestService, type TestService } from "../setup/service.ts";

/** Answers allowed preflights early, because their lines would not be logged. */
let early: TestService;
/** Lets every preflight pass the hooks. */
let hooked: TestService;

beforeAll(async () => {
  early = await startTestService({ LOG_LEVEL: "info" });
  hooked = await startTestService({ LOG_LEVEL: "debug" });
});
afterAll(async () => {
  await early.close();
  await hooked.close();
});

const REQUEST_LINE = "OPTIONS /twirp/finance.v1.FinanceService/GetAccount HTTP/1.1";
const ALLOWED = [
  "Origin: http://localhost:5173",
  "Access-Control-Request-Method: POST",
  "Access-Control-Request-Headers: authorization,content-type",
];

function head(lines: readonly string[], requestLine = REQUEST_LINE): string {
  return [requestLine, ...lines, "", ""].join("\r\n");
}

/** Sends text and reads until the server closes; dates and made request ids are replaced. */
async function exchange({ url }: TestService, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => socket.destroy());
  socket.write(text);
  await once(socket, "close");
  return Buffer.concat(chunks)
    .toString("latin1")
    .replaceAll(/(?<=Date: )[^\r]+/g, "now")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "made");
}

const END = ["Host: localhost", "Connection: close"];
const lines = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: y`);

describe("a preflight that is answered before Fastify gets the reply that it would get from the hooks", () => {
  test.each<[what: string, status: number, text: string]>([
    ["allowed", 204, head([...ALLOWED, ...END])],
    ["with a request id", 204, head([...ALLOWED, ...END, "X-Request-Id: mine-1"])],
    ["with a request id that is not safe", 204, head([...ALLOWED, ...END, "X-Request-Id: a b"])],
    ["with an Origin on two lines", 403, head([...ALLOWED, ...ALLOWED, ...END])],
    ["of a malformed path", 204, head([...ALLOWED, ...END], "OPTIONS /%zz HTTP/1.1")],
    ["of *", 204, head([...ALLOWED, ...END], "OPTIONS * HTTP/1.1")],
    ["by HTTP/1.0, without a Host", 204, head(ALLOWED, "OPTIONS / HTTP/1.0")],
    ["with an empty body", 204, head([...ALLOWED, ...END, "Content-Length: 0"])],
    ["with a body", 204, `${head([...ALLOWED, ...END, "Content-Length: 2"])}{}`],
    ["with a body in chunks", 204, `${head([...ALLOWED, ...END, "Transfer-Encoding: chunked"])}2\r\n{}\r\n0\r\n\r\n`],
    ["that expects to be continued", 100, head([...ALLOWED, ...END, "Expect: 100-continue"])],
    ["that others follow", 204, head([...ALLOWED, "Host: a"]).repeat(20) + head([...ALLOWED, ...END])],
    ["with a header that is not allowed", 204, head([...ALLOWED.slice(0, 2), ...END, `${ALLOWED[2]},x-odd`])],
    ["of a stranger", 403, head(["Origin: http://evil.test", ...ALLOWED.slice(1), ...END])],
    ["without a Host", 400, head([...ALLOWED, "Connection: close"])],
    ["with two Hosts", 400, head([...ALLOWED, ...END, "Host: other"])],
    ["with an odd Host", 400, head([...ALLOWED, "Connection: close", "Host: a/b"])],
    ["with an unknown coding", 501, head([...ALLOWED, ...END, "Transfer-Encoding: gzip, chunked"])],
    ["with too many lines", 431, head([...ALLOWED, ...END, ...lines(1000)])],
  ])("%s: %i", async (_what, status, text) => {
    const reply = await exchange(early, text);
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).toBe(await exchange(hooked, text));
  });
});

test("only at debug level is it logged, and a refused one always", async () => {
  const about = ({ log }: TestService, id: string) => log.filter((line) => line["requestId"] === id);
  for (const service of [early, hooked]) {
    await exchange(service, head([...ALLOWED, ...END, "X-Request-Id: allowed"]));
    await exchange(service, head(["Origin: http://evil.test", ...ALLOWED.slice(1), ...END, "X-Request-Id: refused"]));
    await vi.waitFor(() => expect(about(service, "refused")).toHaveLength(2));
  }
  expect(about(early, "allowed")).toEqual([]);
  expect(about(hooked, "allowed")).toMatchObject([{ msg: "answered", method: "OPTIONS", status: 204 }]);
});

test("it is no longer in flight once it was sent, or its client has gone", async () => {
  const socket = connect(Number(new URL(early.url).port), "127.0.0.1");
  socket.write(head([...ALLOWED, "Host: localhost"]).repeat(3));
  await once(socket, "data");
  socket.resetAndDestroy();
  await vi.waitFor(async () => expect(await readSeries(early.url, "http_connections")).toBeLessThanOrEqual(1));
  expect(await readSeries(early.url, "http_requests_in_flight")).toBe(1);
});

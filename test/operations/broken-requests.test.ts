/** What comes of bytes that are no request, on the ports that are served. */
import { pino } from "pino";
import { afterAll, describe, expect, inject, test } from "vitest";
import { buildConsole } from "../../src/server/console.ts";
import { WireConnection, type WireResponse } from "../conformance/twirp-http.ts";
import { startTestService } from "../setup/service.ts";
import { brokenRequests, ORIGIN, REQUEST_ID } from "../twirp/broken-requests.ts";
import { listenOn } from "../twirp/serve.ts";

const TIME = 10_000;
const PATH = "/twirp/finance.v1.FinanceService/GetAccount";

const service = await startTestService();
const apiPort = Number(new URL(service.url).port);
const token = await service.token("reader");

const pages = await buildConsole({
  root: inject("scratch"),
  log: pino({ level: "silent" }),
  api: { port: apiPort },
  twirpPrefix: "/twirp",
  developmentToken: undefined,
});
const consolePort = await listenOn(pages);

afterAll(async () => {
  await pages.close();
  await service.close();
});

async function answerTo(bytes: Buffer, port: number): Promise<WireResponse | undefined> {
  const connection = new WireConnection(port);
  try {
    await connection.send(bytes);
    return await connection.read("POST", TIME);
  } finally {
    connection.destroy();
  }
}

function codeOf(response: WireResponse | undefined): unknown {
  return JSON.parse(response?.body.toString() ?? "{}").code;
}

const cases = brokenRequests(PATH, `Authorization: Bearer ${token}\r\n`).map(
  (broken) => [broken.name, broken] as const,
);

describe("the API", () => {
  test.each(cases)("refuses %s so that its page can read it and the log can be searched", async (_name, broken) => {
    const response = await answerTo(broken.bytes, apiPort);
    expect(response?.status).toBe(broken.status);
    expect(codeOf(response)).toBe(broken.code);
    expect(response?.headers.get("x-content-type-options")).toEqual(["nosniff"]);
    expect(response?.headers.get("vary")).toEqual(["Origin"]);
    if (broken.hasNoOrigin) {
      expect(response?.headers.get("x-request-id")?.[0]).toMatch(/^[\da-f-]{36}$/);
    } else {
      expect(response?.headers.get("x-request-id")).toEqual([REQUEST_ID]);
      expect(response?.headers.get("access-control-allow-origin")).toEqual([ORIGIN]);
    }
  });

  test.each(cases)("refuses %s so that a page that is not allowed learns nothing", async (_name, broken) => {
    const bytes = Buffer.from(broken.bytes.toString("latin1").replace(ORIGIN, "https://evil.example"), "latin1");
    const response = await answerTo(bytes, apiPort);
    expect(response?.status).toBe(broken.status);
    expect(response?.headers.has("access-control-allow-origin")).toBe(false);
  });

  const good = Buffer.from(
    `POST ${PATH} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
      'Content-Length: 11\r\n\r\n{"id":"77"}',
  );

  test.each([1, 2, 3, 5, 9])("sends the replies of %d good requests before it refuses what follows", async (count) => {
    for (const [, broken] of cases) {
      const connection = new WireConnection(apiPort);
      try {
        await connection.send(Buffer.concat([...Array.from({ length: count }, () => good), broken.bytes]));
        for (let index = 0; index < count; index += 1) {
          expect((await connection.read("POST", TIME))?.status, `reply ${index + 1} before ${broken.name}`).toBe(404);
        }
        expect((await connection.read("POST", TIME))?.status, broken.name).toBe(broken.status);
      } finally {
        connection.destroy();
      }
    }
  });

  test("refuses a probe without a Host too", async () => {
    const response = await answerTo(Buffer.from("GET /healthz HTTP/1.1\r\n\r\n"), apiPort);
    expect(response?.status).toBe(400);
    expect(codeOf(response)).toBe("malformed");
  });

  test("logs requests that Node could read, and counts the rest", async () => {
    const bytes = Buffer.from("POST /secret HTTP/1.1\r\nX-Request-Id: find-me\r\nContent-Length: 0\r\n\r\n");
    await answerTo(bytes, apiPort);
    await expect
      .poll(() => service.log.find(({ requestId }) => requestId === "find-me"))
      .toMatchObject({ method: "POST", route: "unmatched", status: 400 });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^http_broken_requests_total\{reason="malformed"\} [1-9]/m);
  });
});

describe("the console", () => {
  test.each(cases.filter(([, { code }]) => code !== "bad_route"))("refuses %s with an id", async (_name, broken) => {
    const response = await answerTo(broken.bytes, consolePort);
    expect(response?.status).toBe(broken.status);
    expect(codeOf(response)).toBe(broken.code);
    expect(response?.headers.get("x-content-type-options")).toEqual(["nosniff"]);
    expect(response?.headers.get("x-request-id")).toHaveLength(1);
  });
});

/** What HAProxy answers by itself, with each policy, and which calls it may repeat. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server, STATUS_CODES } from "node:http";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as methods from "../../generated/client/methods.ts";
import { makeOwnDirectory } from "../setup/belongings.ts";
import { type Haproxy, hasHaproxy, startHaproxy } from "../setup/haproxy.ts";
import { freePort } from "../setup/process.ts";

const PAGE = "https://app.example.com";
const extension = "moz-extension://0b9d5b2a-3c1e-4f5d-9a7b-1c2d3e4f5a6b";

const preflightOf = (path: string, connection = "close") =>
  `OPTIONS ${path} HTTP/1.1\r\nHost: a\r\nOrigin: ${PAGE}\r\nAccess-Control-Request-Method: POST\r\nConnection: ${connection}\r\n\r\n`;

const answers = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  );

test("the paths that the proxy may repeat are those of the reads", async () => {
  const configuration = await readFile("deploy/haproxy.cfg", "utf8");
  const [, pattern = ""] = /^ {2}acl repeatable path_reg (\S+)$/m.exec(configuration) ?? [];
  const path = new RegExp(pattern);
  for (const { name, isRead } of Object.values(methods)) {
    expect(path.test(`/twirp/finance.v1.FinanceService/${name}`), name).toBe(isRead);
  }
});

describe.skipIf(!hasHaproxy && process.env["CI"] === undefined)(
  "HAProxy's own replies (skipped where it is not installed)",
  () => {
    let server: Server;
    let proxy: Haproxy | undefined;

    beforeEach(async () => {
      server = createServer(({ url }, reply) => {
        if (url === "/lost") reply.destroy();
        else if (url !== "/slow") reply.end();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
    });
    afterEach(async () => {
      await proxy?.stop();
      server.closeAllConnections();
      server.close();
    });

    test.each([
      ["/lost", 502, "the server was lost before it answered; try again with the same idempotency key"],
      ["/slow", 504, "no server answered in time; try again with the same idempotency key"],
    ])("%s: HTTP %d is readable for the page, and a preflight passes", async (path, status, msg) => {
      const { port } = server.address() as AddressInfo;
      proxy = await startHaproxy(await freePort(), [port], { allowedOrigins: PAGE, answerMs: 300 });
      const url = `${proxy.url}${path}`;
      await vi.waitUntil(() => answers(`${proxy?.url}/`), { timeout: 10_000 });
      const reply = await fetch(url, { method: "POST", headers: { origin: PAGE }, body: "{}" });
      expect(reply.status).toBe(status);
      expect(await reply.json()).toEqual({ code: "unavailable", msg, meta: {} });
      expect(reply.headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(reply.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
      // On a new connection, as HAProxy closes an old one without an answer if it can't reach its server on an old one either.
      const preflight = await exchange(proxy.url, preflightOf(path));
      expect(preflight).toMatch(/^HTTP\/1\.1 204 /);
    });

    async function exchange(url: string, request: string): Promise<string> {
      const { port, hostname } = new URL(url);
      await vi.waitUntil(() => answers(url), { timeout: 10_000 });
      const socket = connect(Number(port), hostname);
      socket.write(request);
      return await readText(socket);
    }

    test("HTTP 400 for a broken body is readable for the page", async () => {
      const { port } = server.address() as AddressInfo;
      proxy = await startHaproxy(await freePort(), [port], { allowedOrigins: PAGE });
      await vi.waitUntil(() => answers(`${proxy?.url}/`), { timeout: 10_000 });
      const arrived = once(server, "request");
      const { port: proxyPort, hostname } = new URL(proxy.url);
      const socket = connect(Number(proxyPort), hostname);
      socket.write(
        `POST /slow HTTP/1.1\r\nHost: a\r\nOrigin: ${PAGE}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`,
      );
      // HAProxy has read the head.
      await arrived;
      socket.write("not a length\r\n");
      const [head = "", body = ""] = (await readText(socket)).split("\r\n\r\n");
      expect(head).toMatch(/^HTTP\/1\.1 400 /);
      expect(head).toContain(`access-control-allow-origin: ${PAGE}`);
      expect(head).toMatch(/^x-request-id: [\da-f-]{36}$/m);
      expect(JSON.parse(body)).toMatchObject({ code: "malformed" });
    });

    test("over HTTPS its replies are the same", async ({ onTestFinished }) => {
      const directory = makeOwnDirectory("finance-certificate-");
      onTestFinished(() => directory.remove());
      const key = join(directory.path, "key.pem");
      const certificate = join(directory.path, "certificate.pem");
      const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"];
      execFileSync("openssl", ["req", ...options, "-keyout", key, "-out", certificate], { stdio: "ignore" });
      const both = join(directory.path, "api.pem");
      await writeFile(both, [await readFile(certificate), await readFile(key)]);
      proxy = await startHaproxy(await freePort(), [await freePort()], { allowedOrigins: PAGE, certificate: both });
      await vi.waitUntil(() => answers(`${proxy?.url}/`), { timeout: 10_000 });
      const call = httpsRequest({
        host: "127.0.0.1",
        port: proxy.tlsPort,
        rejectUnauthorized: false,
        headers: { origin: PAGE },
      }).end();
      const [reply] = await once(call, "response");
      expect(reply.statusCode).toBe(503);
      expect(reply.headers).toMatchObject({
        "access-control-allow-origin": PAGE,
        "strict-transport-security": "max-age=31536000",
      });
      expect(JSON.parse(await readText(reply))).toMatchObject({ code: "unavailable" });
      const plain = await fetch(proxy.url);
      expect(plain.headers.get("strict-transport-security")).toBeNull();
    });

    test.each([
      [400, "malformed"],
      [408, "deadline_exceeded"],
    ])("the file for HTTP %d has the Twirp error %s", async (status, code) => {
      const text = await readFile(`deploy/proxy/${status}.http`, "utf8");
      const [head = "", body = ""] = text.split("\n\n");
      expect(head.split("\n")).toEqual([
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        "Content-Type: application/json",
        "Cache-Control: no-store",
        "Connection: close",
      ]);
      expect(JSON.parse(body)).toEqual({ code, msg: expect.stringMatching(/^failed to read request: /), meta: {} });
    });

    test("a preflight that failed leaves its connection in order", async () => {
      proxy = await startHaproxy(await freePort(), [await freePort()], { allowedOrigins: PAGE });
      const preflight = preflightOf("/", "keep-alive");
      const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      const text = await exchange(proxy.url, `${preflight}${preflight}${last}`);
      expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 204", "HTTP/1.1 204", "HTTP/1.1 503"]);
    });

    test.each([
      { allowed: "none", origin: PAGE, expected: null },
      { allowed: "*", origin: PAGE, expected: "*" },
      { allowed: "https://*.example.com", origin: PAGE, expected: PAGE },
      { allowed: "https://*.example.com", origin: "https://example.com", expected: null },
      { allowed: "https://*.example.com", origin: "https://app.example.com.evil.com", expected: null },
      { allowed: "https://*.example.com", origin: "https://app_example.com", expected: null },
      {
        allowed: "https://app-*-team.vercel.app",
        origin: "https://app-1-team.vercel.app",
        expected: "https://app-1-team.vercel.app",
      },
      { allowed: "https://app-*-team.vercel.app", origin: "https://app--team.vercel.app", expected: null },
      { allowed: "https://app-*-team.vercel.app", origin: "https://app-1.evil-team.vercel.app", expected: null },
      { allowed: "https://app-*-team.vercel.app", origin: "https://app-1-team.vercel.app.evil.com", expected: null },
      {
        allowed: "https://app-*-team.vercel.app",
        origin: `https://app-${"a".repeat(55)}-team.vercel.app`,
        expected: null,
      },
      { allowed: "moz-extension://*", origin: extension, expected: extension },
      { allowed: "moz-extension://*", origin: "moz-extension://evil.com", expected: null },
      { allowed: "https://app.example.com", origin: "https://appXexample.com", expected: null },
      { allowed: "https://app.example.com", origin: "https://App.example.com", expected: null },
      { allowed: "http://localhost:*", origin: "http://localhost:65535", expected: "http://localhost:65535" },
      { allowed: "http://localhost:*", origin: "http://localhost:65536", expected: null },
      { allowed: "http://localhost:*", origin: "http://localhost:80", expected: null },
      { allowed: "http://localhost:*", origin: "null", expected: null },
    ])("with the policy $allowed, $origin gets $expected", async ({ allowed, origin, expected }) => {
      proxy = await startHaproxy(await freePort(), [await freePort()], { allowedOrigins: allowed });
      const url = proxy.url;
      await vi.waitUntil(() => answers(url), { timeout: 10_000 });
      const { headers } = await fetch(url, { method: "POST", headers: { origin } });
      expect(headers.get("access-control-allow-origin")).toBe(expected);
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(headers.get("vary")).toBe(allowed === "*" ? null : "Origin");
    });

    test("with credentials the page's origin is named, and credentials are allowed for it alone", async () => {
      proxy = await startHaproxy(await freePort(), [await freePort()], {
        allowedOrigins: PAGE,
        corsVariables: { CORS_ALLOW_CREDENTIALS: "true" },
      });
      const url = proxy.url;
      await vi.waitUntil(() => answers(url), { timeout: 10_000 });
      const allowed = await fetch(url, { headers: { origin: PAGE } });
      expect(allowed.headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(allowed.headers.get("access-control-allow-credentials")).toBe("true");
      const refused = await fetch(url, { headers: { origin: "https://evil.example" } });
      expect(refused.headers.get("access-control-allow-credentials")).toBeNull();
    });
  },
);

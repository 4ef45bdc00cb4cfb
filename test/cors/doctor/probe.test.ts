import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer as createSecureHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test } from "vitest";
import { createProbe, type WireRequest } from "../../../packages/cors/src/doctor/index.ts";

const probe = createProbe({ userAgent: "doctor", timeoutMs: 5_000 });
const impatientProbe = createProbe({ userAgent: "doctor", timeoutMs: 100 });

/** Some containers have no IPv6. */
const loopbackAddresses = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses.map(({ address }) => address))
  .filter((address) => address === "127.0.0.1" || address === "::1");

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ("closeAllConnections" in server && server.closeAllConnections instanceof Function) server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  // A listening TCP server has an address and a port.
  return (server.address() as AddressInfo).port;
}

/** A server that does the same on every connection, and closes all at the end. */
function rawServer(onRequest: (text: string) => string | null): Server {
  return createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      const answer = onRequest(chunk.toString("latin1"));
      if (answer !== null) socket.end(answer);
    });
  });
}

function get(url: string): WireRequest {
  const request = { kind: "request", method: "GET", headers: [], body: null } as const;
  return {
    ...request,
    url: new URL(url),
    origin: "http://page.test",
    pageOrigin: "http://page.test",
    redirectedFrom: [],
    sendsReferrer: true,
    revalidates: false,
    blockedSpaces: [],
  };
}

async function fixture(name: string): Promise<string> {
  return await readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
}

test("keeps repeated lines, their order and case, and follows no redirect", async () => {
  const answer =
    "HTTP/1.1 302 Found\r\nX-A:  1 \r\nLocation: /elsewhere\r\nx-a: 2\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n";
  const port = await listen(rawServer(() => answer));
  expect(await probe(get(`http://127.0.0.1:${port}/`))).toEqual({
    response: {
      status: 302,
      headers: [
        ["X-A", "1"],
        ["Location", "/elsewhere"],
        ["x-a", "2"],
        ["X-Empty", ""],
        ["Content-Length", "0"],
      ],
    },
    address: "127.0.0.1",
  });
});

test("sends method, body and headers unchanged", async () => {
  let seen = "";
  const port = await listen(
    rawServer((text) => {
      seen = text;
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }),
  );
  const request: WireRequest = {
    ...get(`http://127.0.0.1:${port}/path?query`),
    method: "patch",
    headers: [["content-type", "text/plain"]],
    body: "é",
  };
  await probe(request);
  expect(seen.split("\r\n")).toEqual([
    "patch /path?query HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: keep-alive",
    "Content-Length: 2",
    "Accept: */*",
    "content-type: text/plain",
    "Origin: http://page.test",
    "User-Agent: doctor",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Dest: empty",
    "Referer: http://page.test/",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-US,en;q=0.9",
    "",
    "Ã©",
  ]);
});

test.each([
  ["/path?", "/path?"],
  ["/?#part", "/?"],
  ["/a?b#c?d", "/a?b"],
  ["", "/"],
])("%j asks for %s", async (written, target) => {
  let seen = "";
  const port = await listen(
    rawServer((text) => {
      seen = text;
      return "HTTP/1.1 204 No Content\r\n\r\n";
    }),
  );
  await probe(get(`http://127.0.0.1:${port}${written}`));
  expect(seen.split(" ")[1]).toBe(target);
});

test("does not wait for a body that never ends", async () => {
  const server = createHttpServer((_request, response) => response.writeHead(200).write("endless"));
  expect(await probe(get(`http://127.0.0.1:${await listen(server)}/`))).toMatchObject({ response: { status: 200 } });
});

test("reads headers that Node refuses by default and browsers accept", async () => {
  const port = await listen(rawServer(() => "HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n"));
  expect(await probe(get(`http://127.0.0.1:${port}/`))).toMatchObject({
    response: { headers: [["X-A", "a\x01b"], expect.anything()] },
  });
});

test.each(["localhost", "localhost.", "api.localhost", "a.b.localhost"])(
  "%s is this machine, whichever of its addresses the server listens on",
  async (name) => {
    for (const address of loopbackAddresses) {
      const server = rawServer(() => "HTTP/1.1 204 No Content\r\n\r\n");
      servers.push(server.listen(0, address));
      await once(server, "listening");
      // A listening TCP server has an address and a port.
      const { port } = server.address() as AddressInfo;
      expect(await probe(get(`http://${name}:${port}/`))).toMatchObject({ response: { status: 204 }, address });
    }
  },
);

test("a head that browsers refuse", async () => {
  const port = await listen(rawServer(() => "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n"));
  expect(await probe(get(`http://127.0.0.1:${port}/`))).toEqual({
    noResponse: {
      code: "invalid_response",
      detail: "Location came with different values",
      chrome: "net::ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION",
    },
    address: "127.0.0.1",
  });
});

test.each(["name.invalid", "a..localhost", `${"a".repeat(64)}.localhost`])("%s has no address", async (host) => {
  expect(await probe(get(`http://${host}/`))).toEqual({
    noResponse: { code: "host_not_found", detail: expect.stringContaining(`${host} cannot be resolved`) },
  });
});

test("sends nothing to an address in a blocked space", async () => {
  const received: string[] = [];
  const server = rawServer((text) => {
    received.push(text);
    return "HTTP/1.1 204 No Content\r\n\r\n";
  });
  const request = get(`http://127.0.0.1:${await listen(server)}/`);
  expect(await probe({ ...request, blockedSpaces: ["local", "loopback"] })).toMatchObject({
    noResponse: { code: "connection_failed" },
    address: "127.0.0.1",
  });
  expect(received).toEqual([]);
  expect(await probe({ ...request, blockedSpaces: ["public", "local"] })).toMatchObject({ response: { status: 204 } });
});

test("a port without a server", async () => {
  const server = rawServer(() => null);
  const port = await listen(server);
  server.close();
  await once(server, "close");
  servers.pop();
  expect(await probe(get(`http://localhost:${port}/`))).toEqual({
    noResponse: { code: "connection_refused", detail: `nothing listens on localhost:${port}` },
  });
});

test("a server that takes too long", async () => {
  const server = createHttpServer(() => {});
  expect(await impatientProbe(get(`http://127.0.0.1:${await listen(server)}/`))).toEqual({
    noResponse: { code: "timed_out", detail: "nothing came within 0.1 s" },
    address: "127.0.0.1",
  });
});

test("a certificate of an unknown authority", async () => {
  const [key, cert] = [await fixture("self-signed.key.pem"), await fixture("self-signed.cert.pem")];
  const server = createHttpsServer({ key, cert }, (_request, response) => response.end());
  expect(await probe(get(`https://127.0.0.1:${await listen(server)}/`))).toEqual({
    noResponse: { code: "tls_failed", detail: expect.stringContaining("DEPTH_ZERO_SELF_SIGNED_CERT") },
  });
});

test("a certificate that is trusted", async () => {
  const [key, cert] = [await fixture("self-signed.key.pem"), await fixture("self-signed.cert.pem")];
  const server = createHttpsServer({ key, cert }, (_request, response) => response.end());
  const trusting = createProbe({ userAgent: "doctor", timeoutMs: 5_000, ca: cert });
  expect(await trusting(get(`https://127.0.0.1:${await listen(server)}/`))).toMatchObject({
    response: { status: 200 },
  });
});

test("a server that speaks only HTTP/2", async () => {
  const [key, cert] = [await fixture("self-signed.key.pem"), await fixture("self-signed.cert.pem")];
  const server = createSecureHttp2Server({ key, cert });
  expect(await probe(get(`https://127.0.0.1:${await listen(server)}/`))).toMatchObject({
    noResponse: { code: "tls_failed", detail: expect.stringContaining("speaks only HTTP/2") },
  });
});

test("plain HTTP where TLS is expected", async () => {
  const server = createHttpServer((_request, response) => response.end());
  expect(await probe(get(`https://127.0.0.1:${await listen(server)}/`))).toMatchObject({
    noResponse: { code: "tls_failed" },
  });
});

test("an answer that is not HTTP", async () => {
  const port = await listen(rawServer(() => "SSH-2.0-OpenSSH_9.7\r\n"));
  expect(await probe(get(`http://127.0.0.1:${port}/`))).toMatchObject({ noResponse: { code: "not_http" } });
});

test("a connection that is closed without an answer", async () => {
  const port = await listen(rawServer(() => ""));
  expect(await probe(get(`http://127.0.0.1:${port}/`))).toMatchObject({ noResponse: { code: "empty_response" } });
});

test("a connection that is reset", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  expect(await probe(get(`http://127.0.0.1:${await listen(server)}/`))).toMatchObject({
    noResponse: { code: "connection_failed" },
  });
});

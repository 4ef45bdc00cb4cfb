import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { rawSocket, start } from "../setup/overload.ts";

const OWN = [
  "localhost",
  "localhost:9707",
  "app.localhost",
  "127.0.0.1:9707",
  "192.168.1.5",
  "[::1]:9707",
  "[fd00::1]",
];
const FOREIGN = [
  "evil.example",
  "evil.example:9707",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "notlocalhost",
];
const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://localhost/unused",
  AUTH_JWT_SECRET: "a secret for tests, 32 bytes or more",
};

async function statusesOf(environment: Record<string, string>, target: string, hosts: readonly string[]) {
  const service = await start(environment);
  const statuses: (number | undefined)[] = [];
  for (const host of hosts) {
    const asked = get(`${service.url}${target}`, { agent: false, headers: { Host: host } });
    const [response]: IncomingMessage[] = await once(asked, "response");
    response?.resume();
    statuses.push(response?.statusCode);
  }
  return statuses;
}

test.each(["/healthz", "/readyz", "/metrics"])(
  "in development %s is answered if Host names this machine",
  async (target) => {
    expect(await statusesOf({}, target, OWN)).toEqual(OWN.map(() => 200));
    expect(await statusesOf({}, target, FOREIGN)).toEqual(FOREIGN.map(() => 421));
  },
);

test("in production the service answers under any name", async () => {
  const hosts = ["api.example.com", "finance"];
  expect(await statusesOf(PRODUCTION, "/healthz", hosts)).toEqual(hosts.map(() => 200));
});

test("a probe over HTTP/1.0 without a Host is answered", async () => {
  const { socket, received, ended } = rawSocket(await start());
  socket.write("GET /readyz HTTP/1.0\r\n\r\n");
  await ended;
  expect(received()).toMatch(/^HTTP\/1\.1 200 /);
});

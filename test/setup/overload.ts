/** Shared by the overload tests: services and connections that are closed after each test, and raw requests. */
import { connect, type Socket } from "node:net";
import { afterEach } from "vitest";
import { WireConnection, type WireResponse } from "../conformance/twirp-http.ts";
import { startTestService, type TestService, type TestServiceOptions } from "./service.ts";

const ORIGIN = "http://localhost:3000";
/** Milliseconds that suffice for each of these tests on the slowest machine. */
export const TIME = 8000;

/** Clean-up to run after the test, last first. */
export const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export async function start(
  environment: Record<string, string> = {},
  options: TestServiceOptions = {},
): Promise<TestService> {
  const service = await startTestService(environment, options);
  closing.push(() => service.close());
  return service;
}

function portOf(service: TestService): number {
  return Number(new URL(service.url).port);
}

export function connection(service: TestService): WireConnection {
  const opened = new WireConnection(portOf(service));
  closing.push(() => opened.destroy());
  return opened;
}

/** A socket for raw bytes, with the bytes received. */
export function rawSocket(service: TestService): { socket: Socket; received(): string; ended: Promise<unknown> } {
  const socket = connect(portOf(service), "127.0.0.1");
  socket.on("error", () => undefined);
  closing.push(() => socket.destroy());
  let text = "";
  socket.on("data", (chunk) => (text += chunk));
  return { socket, received: () => text, ended: new Promise((resolve) => socket.once("close", resolve)) };
}

export const call = (body = "{}", headers: Record<string, string> = {}, target = "GetAccount") => ({
  method: "POST",
  target: `/twirp/finance.v1.FinanceService/${target}`,
  headers: { "Content-Type": "application/json", Origin: ORIGIN, ...headers },
  body: Buffer.from(body),
});

export const preflight = {
  method: "OPTIONS",
  target: call().target,
  headers: { Origin: ORIGIN, "Access-Control-Request-Method": "POST" },
  body: Buffer.alloc(0),
};

export const probe = (target: string) => ({ method: "GET", target, headers: {}, body: Buffer.alloc(0) });

/** Status, code, and the headers that a page on ORIGIN may read. */
export function seen(response: WireResponse | undefined) {
  const { code, meta } = JSON.parse(response?.body.toString() ?? "{}");
  return {
    status: response?.status,
    code,
    readable: response?.headers.get("access-control-allow-origin")?.[0] === ORIGIN,
    retryAfter: response?.headers.get("retry-after")?.[0],
    retryAfterMs: meta?.retry_after_ms,
  };
}

export const REFUSED = { status: 429, code: "resource_exhausted", readable: true, retryAfter: "1" };

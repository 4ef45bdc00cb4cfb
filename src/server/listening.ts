import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config/config.ts";
import { SERVER_LIMITS } from "../plugins/index.ts";

/** A place to listen at, and the variables that name it. */
export interface ListeningPlace {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly variable: "PORT" | "CONSOLE_PORT";
  /** What listens there, as "the API". */
  readonly what: string;
}

/** Where the API listens. */
export function apiPlace({ host }: Pick<Config, "host">, port: number): ListeningPlace {
  return { host, port, variable: "PORT", what: "the API" };
}

/** Where the console listens. */
export function consolePlace(host: string, port: number): ListeningPlace {
  return { host, port, variable: "CONSOLE_PORT", what: "the console" };
}

/** Nothing can listen at a place; the message names the variable and the way out. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** What listens. */
export interface Listening {
  readonly port: number;
  /** Listeners at further addresses, whose connections are those of the app's own server. */
  readonly doors: readonly Server[];
}

/** Milliseconds for which replies may still be on their way when a server has closed and every call is answered. */
const LAST_REPLIES_MS = 1000;

/**
 * Listens, and says so in the log. `localhost` means all addresses that have this name, as 127.0.0.1 and ::1.
 *
 * Fastify would make a server for each of them, of which only the first has the limits and handlers that were set up.
 *
 * @throws ListenError when the system does not let us.
 */
export async function listen(app: FastifyInstance, place: ListeningPlace): Promise<Listening> {
  const { host, port: wanted, what } = place;
  const textOf = (address: string) => `${what} listens at ${address}`;
  try {
    const [first = host, ...others] = await addressesOf(host);
    // Hooks can't be added any more once the app listens.
    const doors = others.map((address) => ({ address, door: openDoor(app) }));
    await app.listen({ host: first, port: wanted, listenTextResolver: textOf });
    const bound = app.server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : wanted;
    for (const { address, door } of doors) {
      await bind(door, address, port);
      app.log.info(textOf(urlOf(address, port)));
    }
    return { port, doors: doors.map(({ door }) => door) };
  } catch (error) {
    throw describe(error, place);
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (host !== "localhost") return [host];
  return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))];
}

/** Makes a listener whose connections an app's server takes for its own. */
function openDoor(app: FastifyInstance): Server {
  const { server } = app;
  // Sockets as http.Server makes them with our limits.
  const door = createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: SERVER_LIMITS.probeAfterMs,
  });
  door.on("connection", (socket) => server.emit("connection", socket));
  const closed = new Promise((resolve) => door.once("close", resolve));
  app.addHook("preClose", async () => void door.close());
  app.addHook("onClose", async () => {
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), LAST_REPLIES_MS);
    await closed;
    clearTimeout(timer);
  });
  return door;
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}

/**
 * Tries whether a place is free, before anything that takes long is done for what is to listen there.
 *
 * @throws ListenError
 */
export async function checkFree(place: ListeningPlace): Promise<void> {
  try {
    for (const address of await addressesOf(place.host)) {
      const server = createServer();
      await bind(server, address, place.port);
      server.close();
      await once(server, "close");
    }
  } catch (error) {
    throw describe(error, place);
  }
}

function describe(error: unknown, { host, port, variable, what }: ListeningPlace): unknown {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return new ListenError(`port ${port}, for ${what}, is in use: stop what listens there, or set ${variable}`);
    case "EACCES":
      return new ListenError(`port ${port}, for ${what}, needs more rights: set ${variable} above 1023`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ListenError(`HOST ${host} is not an address of this machine`);
    default:
      return error;
  }
}

/** Where to reach what listens, from this machine. */
export function urlOf(host: string, port: number): string {
  const name = host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

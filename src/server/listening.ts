import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config/config.ts";
import { SERVER_LIMITS } from "../plugins/index.ts";
import { StartError } from "../start-error.ts";

/** An address to listen at, and the variable that sets its port. */
export interface ListeningPlace {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly variable: "PORT" | "CONSOLE_PORT";
  /** Names the listener in messages, for example "the API". */
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

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /** Listeners at further addresses, whose connections are those of the app's own server. */
  readonly doors: readonly Server[];
}

/** Milliseconds that the last replies may take to be sent when a server has closed and every call is answered. */
const LAST_REPLIES_MS = 1000;

/**
 * Listens, and says so in the log. `localhost` means all addresses with this name, such as 127.0.0.1 and ::1.
 *
 * Fastify would make a server for each of them, and only the first one would have our limits and handlers.
 *
 * @throws StartError that names the variable to change.
 */
export async function listen(app: FastifyInstance, place: ListeningPlace): Promise<Listening> {
  const { host, port: wanted, what } = place;
  const textOf = (address: string) => `${what} listens at ${address}`;
  try {
    const [first = host, ...others] = await addressesOf(host);
    // Before the app listens, because afterwards it takes no more hooks.
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

/** Makes a listener that hands its connections to an app's server. */
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
 * Checks that nothing listens at a place, before a slow start of what will listen there.
 *
 * @throws StartError that names the variable to change.
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
      return new StartError(
        `port ${port}, for ${what}, is in use: stop the program that listens there, or set ${variable}`,
      );
    case "EACCES":
      return new StartError(`port ${port}, for ${what}, needs more rights: set ${variable} above 1023`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new StartError(`HOST ${host} is not an address of this machine`);
    default:
      return error;
  }
}

/** The URL of a listener for clients on this machine. */
export function urlOf(host: string, port: number): string {
  const name = host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

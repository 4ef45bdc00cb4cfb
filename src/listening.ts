import { once } from "node:events";
import { createServer } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Config } from "./config.ts";

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

/**
 * Listens, and says so in the log.
 *
 * @returns the port.
 * @throws ListenError when the system does not let us.
 */
export async function listen(app: FastifyInstance, place: ListeningPlace): Promise<number> {
  const { host, port, what } = place;
  try {
    await app.listen({ host, port, listenTextResolver: (address) => `${what} listens at ${address}` });
  } catch (error) {
    throw describe(error, place);
  }
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/**
 * Tries whether a place is free, before anything that takes long is done for what is to listen there.
 *
 * @throws ListenError
 */
export async function checkFree(place: ListeningPlace): Promise<void> {
  const server = createServer().listen(place.port, place.host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw describe(error, place);
  }
  server.close();
  await once(server, "close");
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

import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import { Server as ConnectionServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import fp from "fastify-plugin";
import { socketsRead } from "./idle-connections.ts";

/** How a server's clients get to another one before it closes. */
export interface Departure {
  /** Milliseconds for which calls are still answered, each with `connection: close`. 0: none. */
  readonly lameDuckMs: number;
  /**
   * Whether new connections are still taken meanwhile: by a server behind a balancer that has yet to notice, not by one
   * whose siblings take them from now on. Without them the time is over once all connections are gone.
   */
  readonly accepting: boolean;
}

/** A client that has just connected is about to say something. */
const SILENCE_MS = 1000;

/** By now every call was answered, as each has a grace period that is shorter. */
const LAST_RESORT_MS = 12_000;

/**
 * Goes on answering while clients are sent away, and resolves when that time is over. The server still has to be closed.
 *
 * @param server must not have begun to close.
 * @param doors take connections for the server too.
 */
export async function sendClientsAway(
  server: Server,
  { lameDuckMs, accepting }: Departure,
  doors: readonly ConnectionServer[] = [],
): Promise<void> {
  if (lameDuckMs === 0) return;
  server.prependListener("request", (_request, response: ServerResponse) => response.setHeader("connection", "close"));
  if (accepting) {
    await delay(lameDuckMs);
    return;
  }
  const gone = Promise.all([server, ...doors].map((each) => once(each, "close")));
  // Only the listening ends: http.Server's own close would cut idle connections too, just when a client may use one.
  for (const each of [server, ...doors]) ConnectionServer.prototype.close.call(each);
  const timeUp = new AbortController();
  await Promise.race([gone, delay(lameDuckMs, undefined, { signal: timeUp.signal }).catch(() => undefined)]);
  timeUp.abort();
}

/**
 * Lets a server close though clients keep connections open on which they never send a whole request: Node ends those only
 * after their first one, and waits for the others for ever.
 */
export const departure = fp(
  (app, _options, done) => {
    const connections = new Set<Socket>();
    const timers: NodeJS.Timeout[] = [];
    app.server.on("connection", (socket) => {
      connections.add(socket);
      socket.once("close", () => connections.delete(socket));
    });
    app.addHook("preClose", async () => {
      timers.push(
        setTimeout(() => {
          for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
        }, SILENCE_MS),
        setTimeout(() => app.server.closeAllConnections(), LAST_RESORT_MS),
      );
      // Idle connections are closed next.
      await socketsRead();
      // Fastify waits for the connections of a server that listens.
      if (!app.server.listening) await new Promise((closed) => app.server.close(closed));
    });
    app.addHook("onClose", async () => timers.forEach(clearTimeout));
    done();
  },
  { name: "departure", fastify: "5.x" },
);

import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import { Server as ConnectionServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import fp from "fastify-plugin";
import { socketsRead } from "./connections.ts";

/** How a server moves its clients to another one before it closes. */
export interface LameDuck {
  /** Milliseconds to keep answering, each time with `connection: close`. 0 is none. */
  readonly lameDuckMs: number;
  /**
   * Whether new connections are accepted meanwhile. A server behind a load balancer that has yet to notice accepts them;
   * one whose siblings take over does not, and its time ends early when all its connections are closed.
   */
  readonly accepting: boolean;
}

/** A client that connected less than this ago is about to send something. */
const SILENCE_MS = 1000;

/** By now every call was answered, because grace periods are shorter. */
const LAST_RESORT_MS = 12_000;

/**
 * Keeps answering while it sends clients away, and resolves when that time is over. The server still has to be closed.
 *
 * @param server must not have begun to close.
 * @param doors also accept connections for the server.
 */
export async function sendClientsAway(
  server: Server,
  { lameDuckMs, accepting }: LameDuck,
  doors: readonly ConnectionServer[] = [],
): Promise<void> {
  if (lameDuckMs === 0) return;
  server.prependListener("request", (_request, response: ServerResponse) => response.setHeader("connection", "close"));
  if (accepting) {
    await delay(lameDuckMs);
    return;
  }
  const gone = Promise.all([server, ...doors].map((each) => once(each, "close")));
  // Stops listening only: http.Server's own close also cuts idle connections, perhaps when a client is about to use one.
  for (const each of [server, ...doors]) ConnectionServer.prototype.close.call(each);
  const timeUp = new AbortController();
  await Promise.race([gone, delay(lameDuckMs, undefined, { signal: timeUp.signal }).catch(() => undefined)]);
  timeUp.abort();
}

/**
 * Closes connections that never sent a complete request, so that closing the server ends. Node closes connections only
 * after their first request, and waits for the others for ever.
 */
export const gracefulExit = fp(
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
      // Fastify closes idle connections next.
      await socketsRead();
      // Fastify waits for connections only if the server listens.
      if (!app.server.listening) await new Promise((closed) => app.server.close(closed));
    });
    app.addHook("onClose", async () => timers.forEach(clearTimeout));
    done();
  },
  { name: "graceful-exit", fastify: "5.x" },
);

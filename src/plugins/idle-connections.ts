import type { Server } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as immediate } from "node:timers/promises";
import type { Connections } from "./admission.ts";
import type { ServerLimits } from "./server-limits.ts";

/** A turn of the event loop that took longer may have missed bytes that arrived meanwhile. */
const SHORT_TURN_MS = 5;

/** A process that is busy for so many turns in a row is not waited for any longer: a second at least. */
const TURNS_MAX = 200;

/**
 * Decides how long connections may idle, and closes those that have been silent for too long.
 *
 * The one side that closes an idle connection can cut off a request that the other is just sending, and its sender can't
 * know whether it was carried out. So the server lets its clients close first: it waits longer than they do, except
 * when half of its connections are taken.
 */
export function keepIdleConnections(
  server: Server,
  connections: Pick<Connections, "open" | "max">,
  limits: Pick<ServerLimits, "keepAliveTimeoutMs" | "crowdedKeepAliveTimeoutMs">,
): void {
  const adapt = () => {
    const isCrowded = connections.open > connections.max / 2;
    server.keepAliveTimeout = isCrowded ? limits.crowdedKeepAliveTimeoutMs : limits.keepAliveTimeoutMs;
  };
  server.on("connection", (socket: Socket) => {
    adapt();
    socket.once("close", adapt);
  });
  // With a listener, Node leaves the closing to it.
  server.on("timeout", closeUnlessHeard);
}

/** Closes a connection unless bytes of a request are there. */
function closeUnlessHeard(socket: Socket): void {
  const { bytesRead } = socket;
  void socketsRead().then(() => {
    if (socket.bytesRead === bytesRead) socket.destroy();
  });
}

/**
 * Resolves when what clients have sent so far was read.
 *
 * Node runs timers and closes before it reads sockets, so after a busy moment a request may lie unread in the kernel. Sockets are
 * read once more, and again until that took too short a time for anything to arrive unnoticed.
 */
export async function socketsRead(): Promise<void> {
  // Immediates run right after sockets were read; from the first one to the next is a whole turn.
  await immediate();
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    const started = performance.now();
    await immediate();
    if (performance.now() - started <= SHORT_TURN_MS) return;
  }
}

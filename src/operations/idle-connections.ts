import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Connections } from "./connections.ts";
import type { ServerLimits } from "./server-limits.ts";

/** A turn of the event loop that took longer may have missed bytes that arrived meanwhile. */
const SHORT_TURN_MS = 5;

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

/**
 * Closes a connection unless bytes of a request are there.
 *
 * Node runs timers before it reads sockets, so after a busy moment the request may lie unread in the kernel when the time is
 * up. The socket is read once more, and again until that took too short a time for anything to arrive unnoticed.
 */
function closeUnlessHeard(socket: Socket): void {
  const { bytesRead } = socket;
  const turn = () => {
    const started = performance.now();
    // Immediates run right after sockets were read.
    setImmediate(() => {
      if (socket.destroyed || socket.bytesRead !== bytesRead) return;
      if (performance.now() - started > SHORT_TURN_MS) turn();
      else socket.destroy();
    });
  };
  turn();
}

import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Connections beyond the limit that are accepted, so that their requests can be told why they are refused. */
const SURPLUS_MAX = 100;

/**
 * The open connections of a server, of which there are `max` at most.
 *
 * A hundred more are open to be told so, request by request; what comes then is closed at once, `onDrop` called.
 */
export class Connections {
  readonly max: number;
  readonly #surplus = new WeakSet<Socket>();
  #open = 0;

  constructor(server: Server, max: number, onDrop: () => void) {
    this.max = max;
    server.maxConnections = max + SURPLUS_MAX;
    server.on("connection", (socket: Socket) => {
      this.#open += 1;
      if (this.#open > max) this.#surplus.add(socket);
      socket.once("close", () => {
        this.#open -= 1;
      });
    });
    server.on("drop", onDrop);
  }

  get open(): number {
    return this.#open;
  }

  /** Whether a connection was opened while there were `max` already. */
  isSurplus(socket: Socket): boolean {
    return this.#surplus.has(socket);
  }
}

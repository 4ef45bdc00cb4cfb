import type { Server } from "node:http";
import type { Socket } from "node:net";
import { networkOf } from "./rate-limit.ts";

/** Connections beyond the limits that are open at once, so that their requests can be told why they are refused. */
const SURPLUS_MAX = 100;

/** Which limit a connection is beyond. */
export type SurplusReason = "connections" | "connections_per_address";

export interface ConnectionsOptions {
  /** Open connections. */
  readonly max: number;
  /** Open connections of one address, or of one IPv6 network of 64 bits. */
  readonly maxPerAddress: number;
  /** Whether an address may have any number: a proxy, which stands for many. */
  readonly isProxy: (address: string) => boolean;
  /** Called for each connection that is closed without an answer. */
  readonly onDrop: (reason: SurplusReason) => void;
}

/**
 * The open connections of a server, all of them and by address.
 *
 * Those beyond a limit are open as well, though only the latest hundred of them: their calls are refused, while a health
 * check gets its answer, however many connections stand idle.
 */
export class Connections {
  readonly max: number;
  readonly #ofAddress = new Map<string, number>();
  /** In the order in which they were opened. */
  readonly #surplus = new Map<Socket, SurplusReason>();
  #open = 0;

  constructor(server: Server, { max, maxPerAddress, isProxy, onDrop }: ConnectionsOptions) {
    this.max = max;
    server.on("connection", (socket: Socket) => {
      const { remoteAddress } = socket;
      const address = remoteAddress === undefined || isProxy(remoteAddress) ? undefined : networkOf(remoteAddress);
      const ofAddress = this.#count(address, 1);
      this.#open += 1;
      socket.once("close", () => {
        this.#open -= 1;
        this.#count(address, -1);
        this.#surplus.delete(socket);
      });
      if (this.#open > max) this.#surplus.set(socket, "connections");
      else if (ofAddress > maxPerAddress) this.#surplus.set(socket, "connections_per_address");
      if (this.#surplus.size <= SURPLUS_MAX) return;
      for (const [oldest, reason] of this.#surplus) {
        this.#surplus.delete(oldest);
        onDrop(reason);
        oldest.destroy();
        break;
      }
    });
  }

  get open(): number {
    return this.#open;
  }

  /** The limit that a connection was opened beyond, if any. */
  surplusReason(socket: Socket): SurplusReason | undefined {
    return this.#surplus.get(socket);
  }

  #count(address: string | undefined, change: 1 | -1): number {
    if (address === undefined) return 0;
    const count = (this.#ofAddress.get(address) ?? 0) + change;
    if (count > 0) this.#ofAddress.set(address, count);
    else this.#ofAddress.delete(address);
    return count;
  }
}

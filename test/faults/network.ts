import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy that misbehaves on request. */
export interface FaultyNetwork {
  readonly port: number;
  /** Breaks all open connections. */
  cut(): void;
  /** Breaks the connection on which the server next answers with this text, and drops that answer. */
  cutInsteadOf(answer: string): void;
  /** Breaks each new connection after the next of these numbers of bytes from the server. Connections beyond the list hold. */
  cutAfter(bytes: readonly number[]): void;
  /** Connections that broke because of `cutAfter`. */
  readonly broken: number;
  /** Passes nothing on in either direction, and accepts without answering, until `resume`. */
  stall(): void;
  resume(): void;
  /** Closes each new connection, until `accept`. */
  refuse(): void;
  accept(): void;
  close(): Promise<void>;
}

/** Starts a proxy from a loopback port (default: a free one) to another. */
export async function openFaultyNetwork(target: { host: string; port: number }, port = 0): Promise<FaultyNetwork> {
  const sockets = new Set<Socket>();
  let stalled = false;
  let refusing = false;
  let doomed: string | undefined;
  let bytesLeft: number[] = [];
  let broken = 0;
  const server = createServer((near) => {
    if (refusing) {
      near.destroy();
      return;
    }
    const far = connect(target.port, target.host);
    let left = bytesLeft.shift() ?? Number.POSITIVE_INFINITY;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      if (stalled) from.pause();
      from.on("data", (chunk) => {
        if (doomed !== undefined && from === far && chunk.includes(doomed)) {
          doomed = undefined;
          near.resetAndDestroy();
        } else if (from === far && chunk.length > left) {
          broken += 1;
          // Not a reset, which would discard the bytes that the client has not read yet.
          near.end(chunk.subarray(0, left), () => near.destroy());
          far.destroy();
        } else {
          if (from === far) left -= chunk.length;
          to.write(chunk);
        }
      });
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("error", () => to.destroy());
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    cutInsteadOf: (answer) => {
      doomed = answer;
    },
    get broken() {
      return broken;
    },
    cutAfter: (bytes) => {
      bytesLeft = [...bytes];
    },
    stall: () => {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      stalled = false;
      for (const socket of sockets) socket.resume();
    },
    refuse: () => {
      refusing = true;
    },
    accept: () => {
      refusing = false;
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

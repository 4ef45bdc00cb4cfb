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
  const server = createServer((near) => {
    if (refusing) {
      near.destroy();
      return;
    }
    const far = connect(target.port, target.host);
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
        } else to.write(chunk);
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

/** What every process of the service has: a log, and things to close at its end. */
import { type Logger, pino } from "pino";
import type { Config } from "../config/config.ts";
import { describeFailure } from "../start-error.ts";

/** Log lines are written in pieces of this many bytes, and at the latest after this many milliseconds. */
const BUFFER = { minLength: 4096, periodicFlush: 100 };

/**
 * For several processes that write to one pipe: writes up to 4096 bytes (PIPE_BUF) are atomic, so only a longer line can be
 * torn. https://pubs.opengroup.org/onlinepubs/9799919799/functions/write.html
 */
const SHARED_BUFFER = { minLength: 2048, maxWrite: 4096, periodicFlush: 100 };

/**
 * Opens the log of a process, on its standard output.
 *
 * @param shared whether other processes write to the same output.
 */
export function openLog({ logLevel, environment }: Config, { shared }: { readonly shared: boolean }): Logger {
  const readable = environment === "development" && process.stdout.isTTY;
  if (readable) {
    return pino({ level: logLevel, transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } });
  }
  const buffer = shared ? SHARED_BUFFER : BUFFER;
  return pino({ level: logLevel }, pino.destination({ dest: process.stdout.fd, sync: false, ...buffer }));
}

/** Closes what a process opened, in reverse order. */
export class Shutdown {
  readonly #closers: (() => Promise<unknown>)[] = [];

  add(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  /** Closes everything once; a failure does not stop it. @returns whether nothing failed. */
  async closeAll(): Promise<boolean> {
    let clean = true;
    for (const close of this.#closers.splice(0).reverse()) {
      await close().catch((error: unknown) => {
        clean = false;
        process.stderr.write(`while stopping: ${describeFailure(error)}\n`);
      });
    }
    return clean;
  }
}

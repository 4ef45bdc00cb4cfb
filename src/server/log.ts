import { type Logger, pino } from "pino";
import type { Config } from "../config/config.ts";

/** Log lines go out in pieces of so many bytes, and no later than this; what is left at the end is written then. */
const BUFFER = { minLength: 4096, periodicFlush: 100 };

/**
 * Of several processes that write to one pipe: so many bytes stay together, a piece never ends within a line, and only a
 * line that is longer by itself may be torn. https://pubs.opengroup.org/onlinepubs/9799919799/functions/write.html
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

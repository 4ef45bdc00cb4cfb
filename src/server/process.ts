/** What every process of the service has: a log, and things to close at its end. */
import { type Logger, pino } from "pino";
import type { Config } from "../config/config.ts";
import { describeFailure } from "../start-error.ts";

/** Log lines are written in pieces of up to this many bytes, and at the latest after {@link FLUSH_MS}. */
const PIECE_BYTES = 16_384;
const FLUSH_MS = 100;

/**
 * For several processes that write to one pipe: writes up to PIPE_BUF bytes are atomic, so only a longer line can be torn.
 * https://pubs.opengroup.org/onlinepubs/9799919799/functions/write.html
 */
const SHARED_PIECE_BYTES = 4096;

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
  const maxWrite = shared ? SHARED_PIECE_BYTES : PIECE_BYTES;
  const output = pino.destination({ dest: process.stdout.fd, sync: false, minLength: 0, maxWrite });
  return pino({ level: logLevel }, new LogPieces(output, maxWrite));
}

/**
 * Gathers log lines into pieces. The output could do that itself, but it would copy and measure everything gathered so far
 * at each line, which takes longer than making the line.
 */
class LogPieces {
  readonly #output: ReturnType<typeof pino.destination>;
  readonly #bytesMax: number;
  #lines: string[] = [];
  #bytes = 0;

  constructor(output: ReturnType<typeof pino.destination>, bytesMax: number) {
    this.#output = output;
    this.#bytesMax = bytesMax;
    setInterval(() => this.#pass(), FLUSH_MS).unref();
    process.on("beforeExit", () => this.#pass());
    process.on("exit", () => this.flushSync());
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#bytes + bytes > this.#bytesMax) this.#pass();
    this.#lines.push(line);
    this.#bytes += bytes;
  }

  /** pino calls it after a line at level fatal. */
  flushSync(): void {
    this.#pass();
    this.#output.flushSync();
  }

  #pass(): void {
    if (this.#bytes === 0) return;
    const piece = this.#lines.join("");
    this.#lines = [];
    this.#bytes = 0;
    this.#output.write(piece);
  }
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

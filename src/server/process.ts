/** What every process of the service has: a log, and things to close at its end. */
import { writeSync } from "node:fs";
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
  return pino({ level: logLevel }, new LogOutput(process.stdout.fd, shared ? SHARED_PIECE_BYTES : PIECE_BYTES));
}

/**
 * Gathers log lines into pieces and writes them in order. A full pipe does not stop the process: Node makes pipes
 * non-blocking, so the pieces wait until somebody reads. What can't be written, because the disk is full or the reader is gone,
 * is dropped.
 *
 * pino's own destination copies and measures everything gathered so far at each line, which takes longer than making the
 * line. At the end of the process it loses what another thread is writing, or never ends if nothing can be written.
 */
class LogOutput {
  readonly #fd: number;
  readonly #bytesMax: number;
  #lines: string[] = [];
  #bytes = 0;
  readonly #pieces: Buffer[] = [];

  constructor(fd: number, bytesMax: number) {
    this.#fd = fd;
    this.#bytesMax = bytesMax;
    setInterval(() => this.#pass(), FLUSH_MS).unref();
    process.on("exit", () => this.flushSync());
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#bytes + bytes > this.#bytesMax) this.#pass();
    this.#lines.push(line);
    this.#bytes += bytes;
  }

  /** Writes everything, within {@link EXIT_MS_MAX}. pino calls it after a line at level fatal. */
  flushSync(): void {
    const untilMs = performance.now() + EXIT_MS_MAX;
    while (!this.#pass() && performance.now() < untilMs) Atomics.wait(NEVER, 0, 0, EXIT_PAUSE_MS);
  }

  /** @returns whether nothing is left to be written. */
  #pass(): boolean {
    if (this.#bytes > 0) this.#pieces.push(Buffer.from(this.#lines.join("")));
    this.#lines = [];
    this.#bytes = 0;
    for (let [piece] = this.#pieces; piece !== undefined; [piece] = this.#pieces) {
      const written = this.#writeSome(piece);
      if (written === undefined) return false;
      if (written < piece.length) this.#pieces[0] = piece.subarray(written);
      else this.#pieces.shift();
    }
    return true;
  }

  /** @returns the bytes that need not be written any more; undefined if the pipe is full. */
  #writeSome(piece: Buffer): number | undefined {
    try {
      return writeSync(this.#fd, piece);
    } catch (error) {
      const isFull = error instanceof Error && "code" in error && error.code === "EAGAIN";
      return isFull ? undefined : piece.length;
    }
  }
}

/** For {@link Atomics.wait}, which is the only way to pause at the end of a process. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));
const EXIT_MS_MAX = 2000;
const EXIT_PAUSE_MS = 10;

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

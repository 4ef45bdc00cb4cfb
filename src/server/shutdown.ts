import { describeFailure } from "./failure.ts";

/** What a process opened, to be closed in reverse order. */
export class Closing {
  readonly #closers: (() => Promise<unknown>)[] = [];

  add(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  /** Closes everything once, whatever fails on the way. @returns whether nothing failed. */
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

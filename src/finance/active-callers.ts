/** How long a caller counts as active after each request. */
const ACTIVE_MS = 1000;

/** Remembers whether more than one caller has asked lately. */
export class ActiveCallers {
  /** The last two. */
  #latest: readonly { readonly caller: string; readonly atMs: number }[] = [];

  note(caller: string, atMs: number): void {
    const other = this.#latest.find((each) => each.caller !== caller);
    this.#latest = [{ caller, atMs }, ...(other === undefined ? [] : [other])];
  }

  /** Whether anybody but `caller` has asked within a second. */
  hasOther(caller: string, nowMs: number): boolean {
    return this.#latest.some((each) => each.caller !== caller && nowMs - each.atMs < ACTIVE_MS);
  }
}

import type { Query, QueryClient, QueryKey } from "@tanstack/react-query";

/** Milliseconds between the replies of one round and the next round. */
const PAUSE_MS = 400;

/**
 * Fetches queries again, in rounds: however many events touch a query during a round, the next round fetches it once. So the
 * first event shows at once, and a busy ledger can't make the console call faster than the service replies.
 */
export class Refresher {
  readonly #client: QueryClient;
  /** The starts of the keys to fetch in the next round, by their text. */
  #touched = new Map<string, QueryKey>();
  #isRunning = false;

  constructor(client: QueryClient) {
    this.#client = client;
  }

  /** @param touched the starts of the keys of the queries to fetch again. Queries that no page shows are only marked as stale. */
  touch(touched: readonly QueryKey[]): void {
    for (const key of touched) this.#touched.set(JSON.stringify(key), key);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#touched.size > 0) {
      const keys = [...this.#touched.values()];
      this.#touched.clear();
      const cache = this.#client.getQueryCache();
      const queries = new Set(keys.flatMap((queryKey) => cache.findAll({ queryKey })));
      await Promise.all([...queries].map((query) => this.#fetch(query)));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.#isRunning = false;
  }

  async #fetch(query: Query): Promise<void> {
    // A reply on its way may be older than the event. Canceling it would be no better: a busy ledger could cancel every reply.
    if (query.state.fetchStatus !== "idle") await query.promise?.catch(() => undefined);
    const refetchType = query.meta?.["isCostly"] ? "none" : "active";
    await this.#client.invalidateQueries({ queryKey: query.queryKey, exact: true, refetchType });
  }
}

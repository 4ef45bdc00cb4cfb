/** The cost of the feed of events: for postings, and for those that follow it. */
import { join } from "node:path";
import { type Calls, callerHeaders, ledgerCalls, productEnvironment } from "./ledger-calls.ts";
import { auditLedger, fillLedger } from "./ledger-data.ts";
import { observeAll, type Path, type Sample } from "./measure.ts";
import { type ScratchDatabase, startScratchPostgres } from "./scratch-postgres.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { atLeast, below, type Mark, median, rounded, type Suite, type SuiteOptions } from "./suite.ts";

/** Too large to be audited once filled: the auditor does not know the tables of the version before. */
const SIZE = { accounts: 10_000, entries: 120_000 };
const CALLERS = 64;
const IDLE_POSTINGS = 200;
/** Larger pages cost more for each event: their objects outlive a collection of young ones. */
const PAGE_SIZE = 250;

const POSTING = "CreateTransfer, random accounts";
const FOLLOWED = `${POSTING}, followed`;
const BEFORE = `${POSTING}, version before`;

/** Postings with and without a follower, beside the version before; how soon an event arrives; how fast a follower catches up. */
export const feed: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const headers = await callerHeaders();
    const databases = new Map<string, ScratchDatabase>();
    const pathOn = async (name: string, checkout?: string): Promise<Path> => {
      const database = await postgres.createDatabase(
        `feed_${databases.size}`,
        checkout === undefined ? undefined : join(checkout, "migrations"),
      );
      databases.set(name, database);
      const ledger = await fillLedger(database.pool, SIZE);
      return {
        ...ledgerCalls(ledger, headers).createTransfer,
        name,
        program: "servers/product",
        args: checkout === undefined ? [] : [checkout],
        environment: productEnvironment(database.url),
        connections: CALLERS,
      };
    };
    const paths = [await pathOn(POSTING), await pathOn(FOLLOWED)];
    if (options.before !== undefined) paths.push(await pathOn(BEFORE, options.before));
    const samples = await observeAll<Path, Sample>(paths, options, async (path, measure, server) => {
      if (path.name !== FOLLOWED) return await measure();
      const follower = follow(server, headers);
      return await measure().finally(() => follower.stop());
    });

    const [idle] = paths;
    if (idle === undefined) throw new Error("the suite has no path");
    const server = await startServer(idle);
    const arrivalsMs = await measureArrivals(server, idle as Calls, headers);
    const caughtUp = await catchUp(server, headers, options);
    await server.stop();

    let failures = samples.failures;
    for (const [name, { pool }] of databases) if (name !== BEFORE) failures += await auditLedger(pool);
    const marks: Mark[] = [
      below("an event arrives after its commit, p50 ms", median(arrivalsMs), 10),
      atLeast("events read a second", caughtUp, 20_000),
    ];
    if (options.before !== undefined) {
      marks.push(
        atLeast("postings over the version before", samples.over(POSTING, BEFORE, "rate"), 0.95),
        atLeast("followed postings over the version before", samples.over(FOLLOWED, BEFORE, "rate"), 0.95),
      );
    }
    return {
      rows: paths.map(({ name }) => ({
        path: name,
        "calls/s": rounded(samples.middle(name, "rate"), 0),
        "p50 ms": rounded(samples.middle(name, "p50Ms"), 2),
        "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
        "server us/call": rounded(samples.middle(name, "totalUs"), 1),
      })),
      marks,
      notes: [
        postgres.settings,
        `${IDLE_POSTINGS} postings one after the other, from their reply to the reply of the call that waits`,
        ...(options.before === undefined ? ["no version before to compare with: --before DIR"] : []),
      ],
      failures,
    };
  } finally {
    await postgres.stop();
  }
};

interface EventPage {
  readonly events: readonly { readonly id: string }[];
  readonly cursor: string;
}

async function listEvents(
  server: ServerProcess,
  headers: Readonly<Record<string, string>>,
  request: object,
): Promise<EventPage> {
  return await call(server, "ListEvents", headers, JSON.stringify(request));
}

async function call(
  { url }: ServerProcess,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<EventPage> {
  const response = await fetch(`${url}/twirp/finance.v1.FinanceService/${method}`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`${method} answered ${response.status}: ${await response.text()}`);
  // The reply of another method is not looked at.
  return (await response.json()) as EventPage;
}

/** Follows the feed until it is stopped. */
function follow(server: ServerProcess, headers: Readonly<Record<string, string>>): { stop(): Promise<void> } {
  let stopped = false;
  const following = (async () => {
    let { cursor } = await listEvents(server, headers, { from_end: true });
    while (!stopped) {
      ({ cursor } = await listEvents(server, headers, { cursor, wait_ms: 500, page_size: PAGE_SIZE }));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await following;
    },
  };
}

/** Milliseconds from the reply of a posting to that of a call that waited for its event, on an idle server. */
async function measureArrivals(
  server: ServerProcess,
  { body }: Pick<Calls, "body">,
  headers: Readonly<Record<string, string>>,
): Promise<number[]> {
  const bodies = Array.isArray(body) ? body : [];
  let { cursor } = await listEvents(server, headers, { from_end: true });
  const arrivalsMs: number[] = [];
  for (let posting = 0; posting < IDLE_POSTINGS; posting += 1) {
    const waiting = listEvents(server, headers, { cursor, wait_ms: 25_000 }).then((page) => ({
      page,
      atMs: performance.now(),
    }));
    // The call has arrived and waits.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const text = `${bodies[posting]}`.replace(/"idempotency_key":"[^"]*"/, `"idempotency_key":"arrival-${posting}"`);
    await call(server, "CreateTransfer", headers, text);
    const committedMs = performance.now();
    const { page, atMs } = await waiting;
    cursor = page.cursor;
    arrivalsMs.push(Math.max(0, atMs - committedMs));
  }
  return arrivalsMs;
}

/** Events a second that one follower reads from the beginning. */
async function catchUp(
  server: ServerProcess,
  headers: Readonly<Record<string, string>>,
  { rounds }: SuiteOptions,
): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    let events = 0;
    for (let cursor = ""; ; ) {
      const page = await listEvents(server, headers, { cursor, page_size: PAGE_SIZE });
      if (page.events.length === 0) break;
      events += page.events.length;
      cursor = page.cursor;
    }
    rates.push((events / (performance.now() - startedMs)) * 1000);
  }
  return median(rates);
}

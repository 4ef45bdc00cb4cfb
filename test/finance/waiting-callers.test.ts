/** What a thousand callers that wait for events cost the database and the process. */
import { expect, test, vi } from "vitest";
import { openAccount } from "../setup/ledger.ts";
import { readSeries } from "../setup/metrics.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

const TRANSFERS = 20;
const PAGE_SIZE = 100;
const TIME = 120_000;

/** Statements of seals, of the sweep for expired holds and of new connections, which depend on the time. */
const PERIODIC =
  /^(begin|commit|rollback|set )|feed_identity|with unsealed|pg_advisory_xact_lock|set_config|from hold|pg_backend_pid|pg_stat_statements/;

/** How often each statement ran since the last reset, by its first words. */
async function countStatements({ pool }: TestService): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ query: string; calls: bigint }>(
    `select query, calls
       from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())`,
  );
  const counts: Record<string, number> = {};
  for (const { query, calls } of rows) {
    const name = query.trim().replace(/\s+/g, " ").slice(0, 50);
    if (!PERIODIC.test(query.trim())) counts[name] = (counts[name] ?? 0) + Number(calls);
  }
  return counts;
}

interface Outcome {
  /** Events in the replies of admins, of the debited account's owner, and of strangers. */
  readonly events: Readonly<Record<"admin" | "owner" | "stranger", readonly number[]>>;
  readonly statements: Readonly<Record<string, number>>;
  readonly heldBytes: number;
  readonly strangersWaiting: number;
}

/** Lets callers of each kind wait for events, and posts one batch of transfers. */
async function postWhileWaiting(callers: number): Promise<Outcome> {
  const service = await startTestService();
  await service.pool.query("create extension if not exists pg_stat_statements");
  const from = await openAccount(service, "owner", { unlimited_overdraft: true });
  const to = await openAccount(service, "bob");
  const transfers = Array.from({ length: TRANSFERS }, () => ({
    debit_account_id: from,
    credit_account_id: to,
    amount: 1,
  }));
  const { cursor } = (await service.call("ListEvents", { page_size: PAGE_SIZE })).body;
  const wait = async (token?: string): Promise<Reply[]> =>
    await Promise.all(
      Array.from({ length: callers }, () =>
        service.call("ListEvents", { cursor, page_size: PAGE_SIZE, wait_ms: 25_000 }, token),
      ),
    );
  const replies = {
    admin: wait(),
    owner: wait(await service.token("owner")),
    stranger: wait(await service.token("stranger")),
  };
  const { feed } = service.ledger;
  await vi.waitFor(() => expect(feed.waiting).toBe(3 * callers), TIME);
  const heldBytes = await readSeries(service.url, "http_held_bytes");
  await service.pool.query("select pg_stat_statements_reset()");
  expect((await service.call("BatchCreateTransfers", { atomic: true, transfers })).status).toBe(200);
  const eventsOf = async (kind: keyof typeof replies) => [
    ...new Set((await replies[kind]).map(({ body }) => body.events?.length)),
  ];
  const admin = await eventsOf("admin");
  const owner = await eventsOf("owner");
  const statements = await countStatements(service);
  const strangersWaiting = feed.waiting;
  feed.endWaits();
  const stranger = await eventsOf("stranger");
  await service.close();
  return { events: { admin, owner, stranger }, statements, heldBytes, strangersWaiting };
}

test("a batch costs the same statements for a thousand waiting callers as for three", { timeout: 2 * TIME }, async ({
  skip,
}) => {
  const service = await startTestService();
  const { rows } = await service.pool.query("show shared_preload_libraries");
  await service.close();
  if (!rows[0].shared_preload_libraries.includes("pg_stat_statements")) skip("the server lacks pg_stat_statements");

  const few = await postWhileWaiting(1);
  const many = await postWhileWaiting(334);
  expect(many.events).toEqual({ admin: [TRANSFERS], owner: [TRANSFERS], stranger: [0] });
  expect(many.statements).toEqual(few.statements);
  expect(Object.keys(many.statements).length).toBeGreaterThan(5);
  expect(many.strangersWaiting).toBe(334);
  expect(many.heldBytes).toBe(0);
});

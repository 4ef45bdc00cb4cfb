/** A ledger of version 0.2.0 after migration 0005: its answers stay, and its history becomes events. */
import { runner } from "node-pg-migrate";
import pg, { type Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { migrationsDirectory } from "../../src/package-files.ts";
import type { TestDatabase } from "../setup/database.ts";
import { findingsOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { createOldLedger, readFixture, upgrade } from "./old-ledger.ts";

const { text, ledger: old } = await readFixture("ledger-0.2.0.json");
const LAST_MIGRATION = 4;

/** All rows of the tables of the fixture, as text, in the order of their keys. */
async function rowsOf(pool: Pool): Promise<Record<string, unknown[]>> {
  const tables: Record<string, unknown[]> = {};
  for (const table of Object.keys(old.tables)) {
    const { rows } = await pool.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t order by 1`);
    tables[table] = rows.map(({ row }) => row);
  }
  return tables;
}

async function feedOf(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    "select id, types, subjects, sequences, credit_sequences, position from feed order by id",
  );
  return rows;
}

/** Undoes the newest migrations. */
async function downgrade({ url }: TestDatabase, count: number): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const undone = await runner({
      dbClient: client,
      dir: migrationsDirectory(),
      ignorePattern: "(?!\\d+_).*",
      migrationsTable: "schema_migration",
      direction: "down",
      count,
      log: () => undefined,
    });
    return undone.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

describe("the service on the upgraded ledger", () => {
  let database: TestDatabase;
  let service: TestService;
  let alice: string;
  const tokenOf = (subject: string) => (subject === "alice" ? alice : undefined);
  const idOf = (name: string) => old.ids[name] ?? "";
  const oldTransfers = old.reads?.find(({ method }) => method === "ListTransfers")?.body["transfers"] as {
    id: string;
  }[];

  beforeAll(async () => {
    database = await createOldLedger(LAST_MIGRATION, text);
    expect(await upgrade(database)).toContain("0005_events");
    service = await startTestService({}, { database, transfersPerTotal: 2 });
    alice = await service.token("alice");
  });
  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  test("is sound", async () => {
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("adds up the history in its trial balance, and keeps running totals of it", async () => {
    const { body } = await service.call("GetTrialBalance", {});
    const { rows } = await database.pool.query<{ currency: string; debits: string; credits: string }>(`
      select a.currency, sum(b.debits_posted + coalesce(b.posted_carried, 0))::text as debits,
             sum(b.credits_posted + coalesce(b.posted_carried, 0))::text as credits
        from account a
        join account_balance b on b.account_id = a.id
       group by a.currency
       order by a.currency`);
    expect(body.currencies).toMatchObject(
      rows.map(({ currency, debits, credits }) => ({
        currency,
        exact_total_debits: debits,
        exact_total_credits: credits,
        balanced: true,
      })),
    );
    const { rows: kept } = await database.pool.query("select from running_total");
    expect(kept.length).toBeGreaterThan(2);
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("has each settlement as its hold had it", async () => {
    const { rows } = await database.pool.query(
      `select to_jsonb(s) - 'ordinal' - 'settled_by' as settlement, ordinal, settled_by from settlement s order by transfer_id`,
    );
    const settled = old.tables["hold"]?.filter(({ state }) => state !== 2) ?? [];
    expect(settled.map(({ state }) => state).toSorted()).toEqual([3, 3, 4, 5]);
    const kept = settled.map(({ debit_account_id: _, credit_account_id: __, expires_at: ___, ...kept }) => kept);
    expect(rows).toEqual(
      kept
        .toSorted((a, b) => Number(a["transfer_id"]) - Number(b["transfer_id"]))
        .map((settlement) => ({ settlement, ordinal: 1, settled_by: null })),
    );
  });

  test.each(old.reads ?? [])("answers $method $request as before", async ({ subject, method, request, body }) => {
    expect((await service.call(method, request, tokenOf(subject))).body).toMatchObject(body);
  });

  test.each(oldTransfers)("answers GetTransfer $id as before", async (transfer) => {
    const { body } = await service.call("GetTransfer", { id: transfer.id });
    expect(body).toMatchObject({ ...transfer, settled_by: "" });
  });

  test.each(old.calls)(
    "answers $method $request.idempotency_key as before",
    async ({ subject, method, request, status, body }) => {
      const reply = await service.call(method, request, tokenOf(subject));
      expect([reply.status, reply.headers.get("idempotent-replayed")]).toEqual([status, "true"]);
      expect(reply.body).toMatchObject(body);
    },
  );

  test("tells the history once, in the order of each account", async () => {
    const { body } = await service.call("ListEvents", { page_size: 1000 });
    const events: { id: string; type: string; transfer?: { id: string; state: string }; account?: { id: string } }[] =
      body.events;
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `${index + 1}`));

    const told = events.map(({ type, transfer, account }) => `${type} ${transfer?.id ?? account?.id}`);
    const places = [...(old.tables["transfer"] ?? [])].flatMap(({ id, pending }) => {
      const end = old.tables["hold"]?.find(({ transfer_id }) => transfer_id === id)?.["state"];
      const ends: Record<string, string> = { 3: "CAPTURED", 4: "VOIDED", 5: "EXPIRED" };
      if (!pending) return [[`POSTED ${id}`]];
      return [[`HELD ${id}`, ...(ends[`${end}`] === undefined ? [] : [`${ends[`${end}`]} ${id}`])]];
    });
    const opened = (old.tables["account"] ?? []).map(({ id }) => `EVENT_TYPE_ACCOUNT_CREATED ${id}`);
    const expected = [...opened, ...places.flat().map((event) => `EVENT_TYPE_TRANSFER_${event}`)];
    expect(told.toSorted()).toEqual(expected.toSorted());
    for (const [first = "", second] of places) {
      if (second === undefined) continue;
      const [from, to] = [first, second].map((event) => told.indexOf(`EVENT_TYPE_TRANSFER_${event}`));
      expect(from).toBeLessThan(to ?? 0);
    }

    const statements = new Map<string, unknown[]>();
    for (const entry of body.events.flatMap(({ entries }: { entries: { account_id: string }[] }) => entries)) {
      statements.set(entry.account_id, [...(statements.get(entry.account_id) ?? []), entry]);
    }
    expect([...statements.keys()].toSorted()).toEqual(["1", "2", "3", "4", "5"]);
    for (const [account_id, entries] of statements) {
      const { body: statement } = await service.call("ListEntries", { account_id, page_size: 1000 });
      expect(entries).toEqual(statement.entries);
    }
  });

  test("tells each transfer as it was then", async () => {
    const { body } = await service.call("ListEvents", { page_size: 1000, account_id: idOf("bob") });
    const of = (id: string) =>
      body.events
        .filter(({ transfer }: { transfer: { id: string } | null }) => transfer?.id === id)
        .map(({ type, created_at, transfer, entries, actor }: Record<string, unknown>) => [
          type,
          (transfer as { state: string }).state,
          (transfer as { captured_amount: string }).captured_amount,
          (transfer as { settled_at: string | null }).settled_at === created_at,
          (entries as unknown[]).length,
          actor,
        ]);
    expect(of(idOf("part"))).toEqual([
      ["EVENT_TYPE_TRANSFER_HELD", "TRANSFER_STATE_PENDING", "0", false, 0, "alice"],
      ["EVENT_TYPE_TRANSFER_CAPTURED", "TRANSFER_STATE_CAPTURED", "15", true, 2, ""],
    ]);
    expect(of(idOf("expired"))).toEqual([
      ["EVENT_TYPE_TRANSFER_HELD", "TRANSFER_STATE_PENDING", "0", false, 0, "alice"],
      ["EVENT_TYPE_TRANSFER_EXPIRED", "TRANSFER_STATE_EXPIRED", "0", true, 0, ""],
    ]);
  });

  test("tells accounts with the settings that they had at the upgrade", async () => {
    const { body } = await service.call("ListEvents", { account_id: idOf("frozen") });
    expect(body.events).toMatchObject([
      {
        type: "EVENT_TYPE_ACCOUNT_CREATED",
        account: { name: "Wallet", status: "ACCOUNT_STATUS_FROZEN" },
        account_changes: [],
      },
    ]);
    await service.call("UpdateAccount", { id: idOf("bob"), name: "Pocket" });
    const { body: changed } = await service.call("ListAccountChanges", { account_id: idOf("bob") });
    expect(changed.changes).toMatchObject([
      { field: "opened", changed_by: "", request_id: "" },
      { field: "name", before: "Purse", after: "Pocket", changed_by: "root" },
    ]);
  });

  test("goes on behind the history", async () => {
    const { body: end } = await service.call("ListEvents", { from_end: true });
    await database.pool.query("update hold set expires_at = clock_timestamp() where transfer_id = $1", [
      idOf("pending"),
    ]);
    const { body } = await vi.waitFor(
      async () => {
        const reply = await service.call("ListEvents", { cursor: end.cursor, wait_ms: 1000 });
        expect(reply.body.events).not.toEqual([]);
        return reply;
      },
      { timeout: 20_000 },
    );
    expect(body.events).toMatchObject([{ type: "EVENT_TYPE_TRANSFER_EXPIRED", transfer: { id: idOf("pending") } }]);
    expect(await findingsOf(database.pool)).toEqual([]);
  });
});

test("migration 0005 can be undone on a filled ledger, and applied again", async () => {
  const database = await createOldLedger(LAST_MIGRATION, text);
  try {
    const before = await rowsOf(database.pool);
    const upgraded = await upgrade(database);
    const feed = await feedOf(database.pool);
    expect((await downgrade(database, upgraded.length)).at(-1)).toBe("0005_events");
    expect(await rowsOf(database.pool)).toEqual(before);
    await expect(database.pool.query("update hold set state = 4 where state = 3")).rejects.toMatchObject({
      message: "hold is append-only: update refused",
    });
    expect(await upgrade(database)).toEqual(upgraded);
    expect(await feedOf(database.pool)).toEqual(feed);
    expect(await findingsOf(database.pool)).toEqual([]);
  } finally {
    await database.drop();
  }
});

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { audit, checks } from "../../src/finance/records/audit.ts";
import { openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService({}, { sweepIntervalMs: 3_600_000, transfersPerTotal: 2 });
  const from = await openFunded(service, "alice", 1000);
  const to = await openAccount(service, "bob");
  const move = { debit_account_id: from, credit_account_id: to };
  const create = (change: object) => service.call("CreateTransfer", { ...move, ...change });
  const { body: posted } = await create({ amount: 10, idempotency_key: "posted" });
  const { body: held } = await create({ amount: 20, pending: true, idempotency_key: "held" });
  const { body: voided } = await create({ amount: 30, pending: true });
  const verdicts = [
    await create({ amount: 40, pending: true }),
    await create({ amount: 50, pending: true, expires_at: new Date(Date.now() + 2000).toISOString() }),
    await create({ amount: 99_999, idempotency_key: "refused" }),
    await service.call("ReverseTransfer", { id: posted.id }),
    await service.call("CaptureTransfer", { id: held.id, amount: 7, idempotency_key: "captured" }),
    await service.call("VoidTransfer", { id: voided.id }),
    await service.call("UpdateAccount", { id: to, name: "Renamed" }),
    await service.call("CreateAccount", {
      name: "Keyed",
      type: "ACCOUNT_TYPE_ASSET",
      currency: "USD",
      idempotency_key: "account",
    }),
  ];
  expect(verdicts.map(verdictOf)).toEqual(["200", "200", "insufficient_funds", "200", "200", "200", "200", "200"]);
  await service.ledger.feed.refresh();
  await service.call("GetTrialBalance", {});
  // An expired hold that is not settled yet is no fault.
  const expired = "select from hold where state = 2 and expires_at <= clock_timestamp()";
  const hasExpired = async () => expect((await service.pool.query(expired)).rows).toHaveLength(1);
  await vi.waitFor(hasExpired, { timeout: 10_000, interval: 20 });
});
afterAll(() => service.close());

const TABLES = [
  "account",
  "account_balance",
  "account_change",
  "transfer",
  "hold",
  "settlement",
  "entry",
  "feed",
  "idempotency",
  "ledger_time",
  "running_total",
];

/** Runs the audit after a superuser's tampering, in a copy that is thrown away: names the checks that found something. */
async function findingsAfter(tampering: string): Promise<string[]> {
  const client = await service.pool.connect();
  try {
    const found = new Set<string>();
    // Triggers and constraints off, as only a superuser can.
    await client.query("set session_replication_role = replica");
    await client.query("create schema spare");
    for (const table of TABLES) {
      await client.query(`create table spare.${table} (like public.${table} including indexes)`);
      await client.query(`insert into spare.${table} select * from public.${table}`);
    }
    await client.query("set search_path = spare, public");
    await client.query(tampering);
    await audit(client, ({ check }) => found.add(check));
    return [...found].sort();
  } finally {
    await client.query("reset search_path; drop schema spare cascade; reset session_replication_role");
    client.release();
  }
}

test("a ledger that only the service has written is sound", async () => {
  expect(await findingsAfter("select 1")).toEqual([]);
});

const tamperings: [check: string, tampering: string][] = [
  ["books_balance", "update account_balance set debits_posted = debits_posted + 1 where account_id = 1"],
  ["account_has_balance", "delete from account_balance where account_id = 2"],
  ["balance_equals_entries", "delete from entry where account_id = 2 and sequence = 2"],
  ["entries_are_a_chain", "update entry set balance_after = balance_after + 1 where account_id = 2 and sequence = 1"],
  [
    "entries_are_a_chain",
    "update entry set created_at = created_at - interval '1 day' where account_id = 2 and sequence = 2",
  ],
  [
    "running_totals_match_entries",
    "update running_total set debits[1] = debits[1] + 1 where as_of = (select max(as_of) from running_total)",
  ],
  ["running_totals_match_entries", "update running_total set debits = credits, credits = array[0]"],
  ["running_totals_match_entries", "update running_total set currencies = '{}', debits = '{}', credits = '{}'"],
  [
    "running_totals_match_entries",
    "update running_total set currencies = currencies || text 'EUR', debits = debits || 1.0, credits = credits || 1.0",
  ],
  ["running_totals_match_entries", "update running_total set as_of = as_of - interval '1 microsecond'"],
  ["running_totals_match_entries", "update entry set amount = amount + 1 where sequence = 1"],
  ["running_totals_match_entries", "insert into running_total select now(), '{USD}', '{7}', '{7}'"],
  ["transfers_have_their_entries", "update transfer set amount = amount + 1 where id = 2"],
  ["transfers_have_their_entries", "delete from entry where transfer_id = 2"],
  ["entries_have_their_transfer", "delete from transfer where id = 2"],
  ["transfers_stay_in_one_currency", "update account set currency = 'EUR' where id = 3"],
  ["transfer_balances_match_entries", "update transfer set debit_account_balance = 5 where id = 2"],
  ["pending_equals_holds", "update account_balance set debits_pending = 0 where account_id = 2"],
  ["holds_match_transfers", "delete from hold where transfer_id = (select min(transfer_id) from hold)"],
  ["holds_match_transfers", "update transfer set pending = false where id = (select min(transfer_id) from hold)"],
  ["settlements_match_holds", "delete from settlement where state = 3"],
  ["settlements_match_holds", "update settlement set state = 5 where state = 4"],
  ["settlements_match_holds", "update settlement set captured_amount = 21 where state = 3"],
  ["settlements_match_holds", "update settlement set settled_at = settled_at - interval '1 day' where state = 4"],
  ["settlements_match_holds", "update hold set state = 2 where state = 3"],
  ["settlements_match_holds", "delete from hold where state = 3"],
  ["changes_lead_to_accounts", "update account set name = 'Other' where id = 2"],
  ["changes_lead_to_accounts", "update account_balance set overdraft_limit = 1 where account_id = 1"],
  ["changes_lead_to_accounts", "delete from account_change where account_id = 1"],
  ["changes_lead_to_accounts", "delete from account_change where account_id = 3 and sequence = 1"],
  ["changes_lead_to_accounts", "update account_change set changed_at = now() - interval '1 day' where sequence = 2"],
  ["positions_are_dense", "update feed set position = position + 100"],
  ["positions_are_dense", "delete from feed where position = 2"],
  ["positions_are_dense", "update feed set types = types || 3::smallint where position = 2"],
  ["events_tell_everything_once", "delete from feed where position = 2"],
  ["events_tell_everything_once", "delete from feed where types = '{5}'"],
  ["events_tell_everything_once", "delete from feed where types = '{2}'"],
  [
    "events_tell_everything_once",
    `insert into feed (id, types, subjects, sequences, credit_sequences)
     select 1000, types, subjects, sequences, credit_sequences from feed where types = '{4}' limit 1`,
  ],
  ["events_tell_everything_once", "update feed set subjects = '{777}' where types = '{6}'"],
  ["events_tell_everything_once", "update feed set types = '{6}' where types = '{5}'"],
  ["events_keep_the_order_of_accounts", "update feed set position = 1000 where position = 3"],
  ["events_keep_the_order_of_accounts", "update feed set sequences = '{9}' where types = '{3}' and id = 3"],
  ["events_keep_the_order_of_accounts", "update feed set credit_sequences = '{0}' where types = '{5}'"],
  ["events_keep_the_order_of_accounts", "update feed set position = 1000 where types = '{1}' and subjects = '{3}'"],
  ["reversals_mirror", "update transfer set amount = amount + 1 where reverses_transfer_id is not null"],
  ["floors_hold", "update account_balance set debits_posted = 5000 where account_id = 3"],
  ["holds_stay_reserved", "update account_balance set debits_posted = credits_posted - 30 where account_id = 2"],
  [
    "recorded_times_have_passed",
    "update account_balance set updated_at = updated_at + interval '1 day' where account_id = 2",
  ],
  ["closed_time_has_passed", "update ledger_time set closed = now() + interval '1 day'"],
  ["keys_have_their_outcome", "update idempotency set transfer_id = 777 where transfer_id = 2"],
  ["keys_have_their_outcome", "update idempotency set response = null where response is not null"],
  ["keyed_transfers_are_unique", "delete from idempotency where transfer_id = 2"],
];

test.each(tamperings)("%s finds: %s", async (check, tampering) => {
  expect(await findingsAfter(tampering)).toContain(check);
});

test("every check has a case that it finds", () => {
  expect([...new Set(tamperings.map(([check]) => check))].sort()).toEqual(checks.map(({ name }) => name).sort());
});

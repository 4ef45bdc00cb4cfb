/** Every message with an amount says in which currency it is and with how many decimal places. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Opens an account as it was when its currency had other decimal places than today. */
async function openAsOf(currency: string, digits: number | null): Promise<string> {
  const { rows } = await service.pool.query<{ id: bigint }>(
    `
with opened as (
  insert into account (name, owner, type, currency, minor_unit_digits, created_at)
  values ('Old', 'alice', 2, $1, $2, clock_timestamp())
  returning id, created_at
)
insert into account_balance (account_id, debit_normal, unlimited_overdraft, updated_at)
select id, false, true, created_at
  from opened
returning account_id as id`,
    [currency, digits],
  );
  return `${rows[0]?.id}`;
}

test.each<[currency: string, stored: number | null, digits: number]>([
  ["XAD", 4, 4],
  ["USD", 0, 0],
  ["KWD", null, 3],
  ["DEM", null, 2],
])("amounts of %s accounts with the digits %s are written with %d", async (currency, stored, digits) => {
  const money = { currency, minor_unit_digits: digits };
  const [payer, payee] = [await openAsOf(currency, stored), await openAsOf(currency, stored)];
  const pay = { debit_account_id: payer, credit_account_id: payee, amount: "5" };
  const call = async (method: string, request: object) => (await service.call(method, request)).body;

  const posted = await call("CreateTransfer", { ...pay, idempotency_key: `posted-${currency}` });
  const replayed = await call("CreateTransfer", { ...pay, idempotency_key: `posted-${currency}` });
  const held = await call("CreateTransfer", { ...pay, pending: true });
  const captured = await call("CaptureTransfer", { id: held.id, amount: "2" });
  const reversed = await call("ReverseTransfer", { id: captured.id });
  const tried = await call("CreateTransfer", { ...pay, dry_run: true });
  const { results } = await call("BatchCreateTransfers", { transfers: [pay] });
  const found = await call("GetTransfer", { id: posted.id });
  const { transfers } = await call("ListTransfers", { account_id: payer });
  expect(transfers).toHaveLength(4);
  for (const transfer of [posted, replayed, held, captured, reversed, tried, results[0].transfer, found, ...transfers])
    expect(transfer).toMatchObject(money);

  const { entries } = await call("ListEntries", { account_id: payee });
  expect(entries).toHaveLength(4);
  for (const entry of entries) expect(entry).toMatchObject(money);

  expect(await call("GetAccount", { id: payee })).toMatchObject(money);
  expect(await call("GetBalance", { account_id: payee })).toMatchObject(money);
  expect(await call("GetBalance", { account_id: payee, as_of: posted.created_at })).toMatchObject(money);
  const history = { account_id: payee, start: posted.created_at, interval: "INTERVAL_HOUR" };
  expect((await call("GetBalanceHistory", history)).points).toMatchObject([{ balance: "10", ...money }]);
  const { currencies } = await call("GetTrialBalance", {});
  expect(currencies).toContainEqual(expect.objectContaining({ ...money, accounts: "2", balanced: true }));
});

/** The client against the service, over every transport in both formats. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AccountStatus,
  AccountType,
  createFinanceClient,
  type FinanceClient,
  fromDate,
  Interval,
  justAfter,
  type ReplyInfo,
  TransferState,
  toDate,
} from "../../packages/client/src/index.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { ways } from "./transports.ts";

let service: TestService;
let token: string;

beforeAll(async () => {
  service = await startTestService();
  token = await service.token("root", "finance.admin");
});
afterAll(() => service.close());

describe.each(ways)("$way", ({ way, transport, format }) => {
  let finance: FinanceClient;
  let bank: bigint;
  let wallet: bigint;

  beforeAll(async () => {
    finance = createFinanceClient({ baseUrl: service.url, token: async () => token, transport, format });
    const usd = { type: AccountType.ACCOUNT_TYPE_LIABILITY, currency: "USD" };
    const name = `wallet of ${format}, größer € 🏦`;
    const request = { ...usd, name, metadata: { ordinal: "7" }, overdraftLimit: 9_007_199_254_740_993n };
    ({ id: wallet } = await finance.createAccount(request));
    ({ id: bank } = await finance.createAccount({ ...usd, name: "bank", unlimitedOverdraft: true }));
  });

  test("reads an account with every kind of field", async () => {
    const account = await finance.getAccount({ id: wallet });
    expect(account).toMatchObject({
      id: wallet,
      name: `wallet of ${format}, größer € 🏦`,
      owner: "root",
      type: AccountType.ACCOUNT_TYPE_LIABILITY,
      status: AccountStatus.ACCOUNT_STATUS_OPEN,
      minorUnitDigits: 2,
      overdraftLimit: 9_007_199_254_740_993n,
      unlimitedOverdraft: false,
      metadata: { ordinal: "7" },
    });
    expect(Math.abs(Number(toDate(account.createdAt ?? "")) - Date.now())).toBeLessThan(60_000);
  });

  test("changes only the fields of the request", async () => {
    const before = await finance.getAccount({ id: bank });
    const after = await finance.updateAccount({ id: bank, metadata: { seen: "yes" } });
    expect(after).toEqual({ ...before, metadata: { seen: "yes" }, updatedAt: after.updatedAt });
  });

  test("posts, holds, captures, voids and reverses, each with its own key", async () => {
    const transfer = { debitAccountId: bank, creditAccountId: wallet, amount: 1_000_000_000_000_000n };
    const posted = await finance.createTransfer(transfer);
    expect(posted).toMatchObject({ ...transfer, state: TransferState.TRANSFER_STATE_POSTED });
    expect(posted.idempotencyKey).toMatch(/^[0-9a-f]{32}$/);
    const effectiveAt = "1969-07-20T20:17:40.000001Z";
    const held = await finance.createTransfer({ ...transfer, pending: true, effectiveAt });
    expect(held).toMatchObject({ state: TransferState.TRANSFER_STATE_PENDING, effectiveAt });
    const captured = await finance.captureTransfer({ id: held.id, amount: 5n });
    expect(captured).toMatchObject({ state: TransferState.TRANSFER_STATE_CAPTURED, capturedAmount: 5n });
    const { id } = await finance.createTransfer({ ...transfer, pending: true });
    expect(await finance.voidTransfer({ id })).toMatchObject({ state: TransferState.TRANSFER_STATE_VOIDED });
    expect(await finance.reverseTransfer({ id: posted.id })).toMatchObject({ reversesTransferId: posted.id });
    expect(await finance.getTransfer({ id: posted.id })).toMatchObject({ id: posted.id });
  });

  test("a time from the service means the same when it is sent back", async () => {
    const transfer = { debitAccountId: bank, creditAccountId: wallet, amount: 7n, metadata: { run: `times-${way}` } };
    const effectiveAt = "2020-02-29T23:59:59.000001Z";
    const before = await finance.createTransfer(transfer);
    const one = await finance.createTransfer({ ...transfer, effectiveAt });
    const two = await finance.createTransfer(transfer);
    const [t0 = "", t1 = "", t2 = ""] = [before, one, two].map(({ createdAt }) => createdAt);
    expect(one.effectiveAt).toBe(effectiveAt);

    const { balance, asOf } = await finance.getBalance({ accountId: wallet, asOf: t1 });
    expect({ balance, asOf }).toEqual({ balance: one.creditAccountBalance, asOf: t1 });
    const earlier = await finance.getBalance({ accountId: wallet, asOf: t0 });
    expect(earlier.balance).toBe(before.creditAccountBalance);

    const entries = async (bounds: object) => {
      const found: bigint[] = [];
      for await (const { transferId } of finance.listEntries.each({ accountId: wallet, ...bounds }))
        found.push(transferId);
      return found;
    };
    expect(await entries({ after: t1 })).toEqual([one.id, two.id]);
    expect(await entries({ after: justAfter(t1) })).toEqual([two.id]);
    expect(await entries({ after: justAfter(t2) })).toEqual([]);
    expect(await entries({ after: t0, before: t2 })).toEqual([before.id, one.id]);
    const listed = await finance.listTransfers({ createdAfter: t1, createdBefore: t2, metadata: transfer.metadata });
    expect(listed.transfers).toEqual([one]);

    const expiresAt = "2099-01-01T00:00:00.123456Z";
    const held = await finance.createTransfer({ ...transfer, pending: true, expiresAt });
    expect(held.expiresAt).toBe(expiresAt);
    const again = await finance.createTransfer({ ...transfer, pending: true, expiresAt: held.expiresAt });
    expect(again.expiresAt).toBe(expiresAt);
    const { settledAt = "" } = await finance.voidTransfer({ id: held.id });
    const settled = { accountId: wallet, settledAfter: settledAt, settledBefore: justAfter(settledAt) };
    expect((await finance.listTransfers(settled)).transfers.map(({ id }) => id)).toEqual([held.id]);
    await finance.voidTransfer({ id: again.id });

    const interval = Interval.INTERVAL_HOUR;
    const { points } = await finance.getBalanceHistory({ accountId: wallet, start: t0, end: justAfter(t1), interval });
    expect(points.at(-1)).toMatchObject({ balance: one.creditAccountBalance });
    const { asOf: proven } = await finance.getTrialBalance({ asOf: t2 });
    expect(proven).toBe(t2);
  });

  test("the caller's own key makes one transfer of two calls, and the reply says so", async () => {
    const request = {
      debitAccountId: bank,
      creditAccountId: wallet,
      amount: 3n,
      idempotencyKey: `${format}-${wallet}`,
    };
    const replies: ReplyInfo[] = [];
    const onReply = (reply: ReplyInfo) => replies.push(reply);
    const first = await finance.createTransfer(request, { onReply });
    const second = await finance.createTransfer(request, { onReply });
    expect(second).toEqual(first);
    expect(replies).toEqual([
      { status: 200, requestId: expect.stringMatching(/./), isReplay: false },
      { status: 200, requestId: expect.stringMatching(/./), isReplay: true },
    ]);
  });

  test("a batch has a result for each member", async () => {
    const good = { debitAccountId: bank, creditAccountId: wallet, amount: 1n };
    const bad = { debitAccountId: 999_999n, creditAccountId: wallet, amount: 1n };
    const { results } = await finance.batchCreateTransfers({ transfers: [good, bad] });
    expect(results).toEqual([
      { outcome: { $case: "transfer", transfer: expect.objectContaining(good) }, replayed: false },
      { outcome: { $case: "error", error: expect.objectContaining({ code: "not_found" }) }, replayed: false },
    ]);
  });

  test("walks a list through all of its pages", async () => {
    const transfers = Array.from({ length: 5 }, (_, index) => ({
      debitAccountId: bank,
      creditAccountId: wallet,
      amount: BigInt(index + 1),
      metadata: { run: "pages" },
    }));
    await finance.batchCreateTransfers({ atomic: true, transfers });
    const amounts: bigint[] = [];
    const request = { accountId: wallet, metadata: { run: "pages" }, pageSize: 2 };
    for await (const { amount } of finance.listTransfers.each(request)) amounts.push(amount);
    expect(amounts.sort()).toEqual([1n, 2n, 3n, 4n, 5n]);
    const page = await finance.listTransfers(request);
    expect(page.transfers).toHaveLength(2);
    const rest: bigint[] = [];
    const { nextPageToken: pageToken } = page;
    for await (const { amount } of finance.listTransfers.each({ ...request, pageToken })) rest.push(amount);
    expect(rest).toHaveLength(3);
    let entries = 0;
    for await (const entry of finance.listEntries.each({ accountId: wallet, pageSize: 3 })) {
      entries += 1;
      expect(entry.sequence).toBe(BigInt(entries));
    }
    expect(entries).toBeGreaterThan(5);
    const sizes: number[] = [];
    for await (const { transfers } of finance.listTransfers.pages(request)) sizes.push(transfers.length);
    expect(sizes).toEqual([2, 2, 1]);
    expect((await finance.listTransfers()).transfers.length).toBeGreaterThan(5);
    expect((await finance.listAccounts.pages().next()).value).toEqual(await finance.listAccounts());
    const names: string[] = [];
    for await (const account of finance.listAccounts.each({ namePrefix: "wallet of", pageSize: 1 })) {
      names.push(account.name);
      if (names.length === 2) break;
    }
  });

  test("reads balances and reports, also with an empty request", async () => {
    const { balance, sequence } = await finance.getBalance({ accountId: wallet });
    expect(balance).toBe((await finance.getAccount({ id: wallet })).balance);
    expect(sequence).toBeGreaterThan(0n);
    const start = fromDate(new Date(Date.now() - 3_600_000));
    const interval = Interval.INTERVAL_HOUR;
    const { points } = await finance.getBalanceHistory({ accountId: wallet, start, interval });
    expect(points.at(-1)).toMatchObject({ balance });
    const { currencies } = await finance.getTrialBalance();
    expect(currencies).toMatchObject([{ currency: "USD", balanced: true }]);
  });

  test("methods need no this", async () => {
    const { getAccount, listAccounts } = finance;
    expect(await [bank].map((id) => getAccount({ id }))[0]).toMatchObject({ id: bank });
    const { each } = listAccounts;
    expect((await each().next()).value).toMatchObject({ currency: "USD" });
  });

  test("replies share no memory", async () => {
    const [one, two] = await Promise.all([finance.getAccount({ id: bank }), finance.getAccount({ id: wallet })]);
    expect(one).toEqual(await finance.getAccount({ id: bank }));
    expect(two).toEqual(await finance.getAccount({ id: wallet }));
  });

  test("distinguishes 401, 403 and other refusals", async () => {
    const as = (bearer: string | undefined) =>
      createFinanceClient({ baseUrl: service.url, token: bearer, transport, format });
    await expect(as(undefined).getAccount({ id: bank })).rejects.toMatchObject({
      code: "unauthenticated",
      status: 401,
      requestId: expect.stringMatching(/./),
    });
    const expired = await service.token("root", "finance.read", -60);
    await expect(as(expired).getAccount({ id: bank })).rejects.toMatchObject({
      status: 401,
      reason: "token_expired",
    });
    const reader = await service.token("root", "finance.read");
    await expect(as(reader).updateAccount({ id: bank })).rejects.toMatchObject({
      code: "permission_denied",
      status: 403,
      meta: { scope: "finance.write" },
    });
    const usd = { type: AccountType.ACCOUNT_TYPE_LIABILITY, currency: "USD" };
    const { id: empty } = await finance.createAccount({ ...usd, name: "empty" });
    const over = { debitAccountId: empty, creditAccountId: bank, amount: 1n };
    await expect(finance.createTransfer(over)).rejects.toMatchObject({
      name: "FinanceError",
      code: "failed_precondition",
      reason: "insufficient_funds",
      meta: { account_id: `${empty}` },
    });
  });
});

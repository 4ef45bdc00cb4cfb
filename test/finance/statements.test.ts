/**
 * The statements of the lists, as PostgreSQL gets them. A change of a list shows here as a change of
 * SQL; `npx vitest run test/finance/statements.test.ts --update` writes the file again.
 */
import type { ClientBase } from "pg";
import { expect, test } from "vitest";
import { ListAccountsRequest } from "../../generated/server/finance/v1/account.ts";
import { ListEntriesRequest } from "../../generated/server/finance/v1/entry.ts";
import { ListTransfersRequest, TransferState } from "../../generated/server/finance/v1/transfer.ts";
import { listAccounts } from "../../src/finance/records/accounts.ts";
import { listEntries } from "../../src/finance/records/entries.ts";
import { listTransfers } from "../../src/finance/records/transfer-list.ts";
import { readAccountFilter, readEntryFilter, readTransferFilter } from "../../src/finance/validation.ts";

const admin = { subject: "root", admin: true };
const page = { size: 50, token: "" };
const accountId = 1n;
const pending = TransferState.PENDING;

const transfers =
  (filter: object, actor = admin) =>
  (db: ClientBase) =>
    listTransfers(db, actor, readTransferFilter(ListTransfersRequest.create(filter)), page);
const entries = (filter: object) => (db: ClientBase) =>
  listEntries(db, readEntryFilter(ListEntriesRequest.create({ accountId, ...filter })), page);

const lists: [title: string, list: (db: ClientBase) => Promise<unknown>][] = [
  ["accounts", (db) => listAccounts(db, admin, readAccountFilter(ListAccountsRequest.create()), page)],
  ["entries, oldest first", entries({})],
  ["entries, newest first", entries({ newestFirst: true })],
  ["entries by amount, oldest first", entries({ minAmount: 5n })],
  ["entries by amount, newest first", entries({ minAmount: 5n, newestFirst: true })],
  ["transfers of any account", transfers({})],
  ["transfers of any account, pending", transfers({ state: pending })],
  ["transfers of any account that were holds", transfers({ state: TransferState.CAPTURED })],
  ["transfers of one account", transfers({ accountId })],
  ["transfers of one account, pending", transfers({ accountId, state: pending })],
  ["transfers between two accounts", transfers({ accountId, counterpartyAccountId: 2n })],
  ["transfers with a key", transfers({ idempotencyKey: "order-7" })],
  ["a transfer with a key of the caller's own", transfers({ idempotencyKey: "order-7" }, { ...admin, admin: false })],
];

test("each branch of a list has the statement in the file", async () => {
  const printed: string[] = [];
  for (const [title, list] of lists) {
    const query = ({ name = "not prepared", text }: { name?: string; text: string }) => {
      printed.push(`-- ${title} (${name})\n${text.trim()};\n`);
      return Promise.resolve({ rows: [] });
    };
    // The lists use nothing else of a connection.
    await list({ query } as unknown as ClientBase);
  }
  await expect(printed.join("\n")).toMatchFileSnapshot("statements.sql");
});

/**
 * Follows the feed of events and keeps a copy of the books in a file: consumer.ts FILE TOKEN URL.
 *
 * The file holds the copy and the cursor, and is replaced as a whole. So the program may be killed at any time.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { AccountStatus, createFinanceClient, type Event, EventType } from "../../../packages/client/src/index.ts";
import type { BooksCopy } from "../consumers.ts";

const [file = "", token = "", baseUrl = ""] = process.argv.slice(2);
const books: BooksCopy = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : { cursor: "", position: 0, accounts: {} };

function expect(holds: boolean, { id, type }: Event): void {
  if (!holds) throw new Error(`event ${id}, ${type}, does not continue the books`);
}

function copyOf(id: bigint, event: Event) {
  const copy = books.accounts[`${id}`];
  if (copy === undefined) throw new Error(`event ${event.id} comes before the opening of account ${id}`);
  return copy;
}

function apply(event: Event): void {
  const { id, type, account, transfer, entries } = event;
  books.position += 1;
  expect(id === BigInt(books.position), event);
  if (account !== undefined) {
    const copy = books.accounts[`${account.id}`];
    expect((type === EventType.EVENT_TYPE_ACCOUNT_CREATED) === (copy === undefined), event);
    const zero = { sequence: 0, balance: 0, debits_pending: 0, credits_pending: 0 };
    books.accounts[`${account.id}`] = { ...zero, ...copy, name: account.name, status: AccountStatus[account.status] };
    return;
  }
  for (const { accountId, sequence, amount, balanceAfter } of entries) {
    const copy = copyOf(accountId, event);
    copy.sequence += 1;
    copy.balance += Number(amount);
    expect(BigInt(copy.sequence) === sequence && BigInt(copy.balance) === balanceAfter, event);
  }
  if (transfer === undefined || type === EventType.EVENT_TYPE_TRANSFER_POSTED) return;
  const held = Number(transfer.amount) * (type === EventType.EVENT_TYPE_TRANSFER_HELD ? 1 : -1);
  copyOf(transfer.debitAccountId, event).debits_pending += held;
  copyOf(transfer.creditAccountId, event).credits_pending += held;
}

const finance = createFinanceClient({ baseUrl, token, format: "protobuf" });
for await (const page of finance.events.pages({ cursor: books.cursor, pageSize: 100, waitMs: 2000 })) {
  for (const event of page.events) apply(event);
  books.cursor = page.cursor;
  writeFileSync(`${file}.new`, JSON.stringify(books));
  renameSync(`${file}.new`, file);
}

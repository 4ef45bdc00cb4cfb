import { createFinanceClient, FinanceError, formatMoney, parseMoney } from "@finance-service/client";

const [from, to, amount] = process.argv.slice(2);
const { API = "http://localhost:9707", TOKEN } = process.env;
if (!from || !to || !amount || !TOKEN) {
  console.error("usage: TOKEN=... node examples/node-script/transfer.mjs FROM TO AMOUNT");
  process.exit(2);
}

const finance = createFinanceClient({ baseUrl: API, token: TOKEN });
try {
  const account = await finance.getAccount({ id: BigInt(from) });
  const parsed = parseMoney(amount, account);
  if (!parsed.ok) throw new Error(`${amount} is not an amount in ${account.currency}`);
  // The client adds an idempotency key, so that a repeat after a lost answer posts nothing twice.
  const transfer = await finance.createTransfer({
    debitAccountId: account.id,
    creditAccountId: BigInt(to),
    amount: parsed.minor,
  });
  console.log(`Transfer ${transfer.id}: ${formatMoney(transfer.amount, transfer, { locale: "en-US" })}`);
  // The last three lines of the statement.
  const { entries } = await finance.listEntries({ accountId: account.id, newestFirst: true, pageSize: 3 });
  for (const entry of entries) console.log(entry.createdAt, formatMoney(entry.amount, entry, { locale: "en-US" }));
} catch (error) {
  console.error(error instanceof FinanceError ? `${error.code}: ${error.message}` : String(error));
  process.exitCode = 1;
}

/**
 * transfers.ts API TOKEN: posts transfers from four clients, and prints `posting` once 500 are acknowledged. After SIGTERM
 * it continues until more are acknowledged, for 40 seconds at most. Then it repeats every acknowledged one with its idempotency key
 * (a key that the ledger does not know was lost) and prints the outcome as JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";

const [api, token] = process.argv.slice(2);
const STARTED = 500;
/** Transfers after the signal, which show that the service works again. */
const LAST = 40;
const LAST_MS = 40_000;

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly body: { readonly id?: string; readonly msg?: string };
}

async function call(method: string, request: object): Promise<Answer> {
  const response = await fetch(`${api}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(40_000),
  });
  const body = (await response.json()) as Answer["body"];
  return { status: response.status, replayed: response.headers.get("idempotent-replayed") === "true", body };
}

async function openAccount(name: string): Promise<string> {
  const account = { name, type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", unlimited_overdraft: true };
  const { status, body } = await call("CreateAccount", account);
  if (status !== 200 || body.id === undefined) throw new Error(`CreateAccount: ${status} ${body.msg}`);
  return body.id;
}

const accounts = { debit_account_id: await openAccount("from"), credit_account_id: await openAccount("to"), amount: 1 };
const acknowledged = new Map<string, string | undefined>();
const failures = new Map<string, number>();
let goal = Number.POSITIVE_INFINITY;
let end = Number.POSITIVE_INFINITY;
process.on("SIGTERM", () => {
  goal = acknowledged.size + LAST;
  end = Date.now() + LAST_MS;
});
let last = Date.now();
let longestPause = 0;
let posted = 0;

async function post(): Promise<void> {
  while (acknowledged.size < goal && Date.now() < end) {
    const key = `${process.pid}-${posted++}`;
    const failure = await call("CreateTransfer", { ...accounts, idempotency_key: key }).then(
      ({ status, body }) => {
        if (status !== 200) return `${status} ${body.msg}`;
        acknowledged.set(key, body.id);
        if (acknowledged.size === STARTED) process.stdout.write("posting\n");
        longestPause = Math.max(longestPause, Date.now() - last);
        last = Date.now();
        return undefined;
      },
      (error: unknown) => String(error),
    );
    if (failure === undefined) continue;
    failures.set(failure, (failures.get(failure) ?? 0) + 1);
    await sleep(100);
  }
}
await Promise.all([post(), post(), post(), post()]);
longestPause = Math.max(longestPause, Date.now() - last);

let lost = 0;
const remaining = acknowledged.entries();
async function repeat(): Promise<void> {
  for (const [key, id] of remaining) {
    const { replayed, body } = await call("CreateTransfer", { ...accounts, idempotency_key: key });
    if (!replayed || body.id !== id) lost++;
  }
}
await Promise.all(Array.from({ length: 16 }, repeat));
const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
const pause = longestPause / 1000;
const outcome = { acknowledged: acknowledged.size, failed, lost, pause, failures: Object.fromEntries(failures) };
process.stdout.write(`${JSON.stringify(outcome)}\n`);

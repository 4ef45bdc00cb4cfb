/** The calls of the ledger's suites, each a list of different requests. */
import { ListEntriesRequest } from "../generated/server/finance/v1/entry.ts";
import { ListTransfersRequest } from "../generated/server/finance/v1/transfer.ts";
import { mintToken } from "../src/auth/index.ts";
import { writePageToken } from "../src/finance/records/page.ts";
import { readEntryFilter, readTransferFilter } from "../src/finance/validation.ts";
import { BENCH_ORIGIN, BENCH_SECRET } from "./adapter-caller.ts";
import type { FilledLedger } from "./ledger-data.ts";
import { UNIQUE_KEY } from "./load.ts";
import type { Path } from "./measure.ts";

/** A request body and its method. */
export type Calls = Required<Pick<Path, "target" | "headers" | "body">>;

export const TRANSFERS_PER_BATCH = 100;

/** Enough that a round repeats few, and few enough to be made quickly. */
const REQUESTS = 10_000;
const BATCHES = 200;

/** @param headers the caller's, as {@link callerHeaders} makes them. */
export function ledgerCalls(ledger: FilledLedger, headers: Readonly<Record<string, string>>) {
  const { settlementAccount, firstWallet, lastWallet, transfers, firstTransferMs } = ledger;
  const random = seededRandom(9707);
  const between = (first: number, last: number) => first + Math.floor(random() * (last - first + 1));
  const wallet = () => between(firstWallet, lastWallet);
  const anyTransfer = () => between(1, transfers);
  const timeOf = (transfer: number) => new Date(firstTransferMs + transfer * 1000).toISOString();
  const calls = (method: string, request: () => object, count = REQUESTS): Calls => ({
    target: `/twirp/finance.v1.FinanceService/${method}`,
    headers,
    body: Array.from({ length: count }, () => JSON.stringify(request())),
  });

  const transferBetween = (debit: number, credit: number) => ({
    debit_account_id: `${debit}`,
    credit_account_id: `${credit}`,
    amount: `${between(1, 100)}`,
  });
  const randomTransfer = () => {
    const debit = wallet();
    const credit = wallet();
    return transferBetween(debit, credit !== debit ? credit : debit === lastWallet ? firstWallet : debit + 1);
  };
  const hotTransfer = () =>
    random() < 0.5 ? transferBetween(firstWallet, lastWallet) : transferBetween(lastWallet, firstWallet);
  const keyed = (transfer: object) => ({ ...transfer, idempotency_key: UNIQUE_KEY });
  const statement = { account_id: `${settlementAccount}` };
  const entryFilters = Object.values(
    readEntryFilter(ListEntriesRequest.create({ accountId: BigInt(settlementAccount) })),
  );
  const transferFilters = Object.values(
    readTransferFilter(ListTransfersRequest.create({ accountId: BigInt(settlementAccount) })),
  );

  return {
    getAccount: calls("GetAccount", () => ({ id: `${wallet()}` })),
    createTransfer: calls("CreateTransfer", () => keyed(randomTransfer())),
    createTransferWithoutKey: calls("CreateTransfer", randomTransfer),
    createTransferHot: calls("CreateTransfer", () => keyed(hotTransfer())),
    batchCreateTransfers: calls(
      "BatchCreateTransfers",
      () => ({ transfers: Array.from({ length: TRANSFERS_PER_BATCH }, () => keyed(randomTransfer())) }),
      BATCHES,
    ),
    listEntriesDeep: calls("ListEntries", () => ({
      ...statement,
      page_token: writePageToken([BigInt(anyTransfer())], entryFilters),
    })),
    /** The same pages for a server whose page token is an offset. */
    listEntriesByOffset: calls("ListEntries", () => ({ ...statement, page_token: `${anyTransfer()}` })),
    listEntriesFrom: calls("ListEntries", () => ({ ...statement, after: timeOf(anyTransfer()) })),
    getBalance: calls("GetBalance", () => ({ ...statement, as_of: timeOf(anyTransfer()) })),
    listTransfersDeep: calls("ListTransfers", () => {
      const last = anyTransfer();
      const position = [BigInt(last), BigInt(firstTransferMs + (last - 1) * 1000) * 1000n];
      return { ...statement, page_token: writePageToken(position, transferFilters) };
    }),
    getTrialBalance: calls("GetTrialBalance", () => ({}), 1),
    getTrialBalancePast: calls("GetTrialBalance", () => ({ as_of: timeOf(anyTransfer()) })),
  };
}

/** The origin of the article's front end; its user has every scope. */
export async function callerHeaders(): Promise<Readonly<Record<string, string>>> {
  const claims = { subject: "operator", scope: "finance.read finance.write finance.admin", lifetimeSeconds: 86_400 };
  return {
    "content-type": "application/json",
    origin: BENCH_ORIGIN,
    authorization: `Bearer ${await mintToken(BENCH_SECRET, claims)}`,
  };
}

/** The environment of the service in production, and of the baselines. */
export function productEnvironment(databaseUrl: string): Readonly<Record<string, string>> {
  return {
    NODE_ENV: "production",
    DATABASE_URL: databaseUrl,
    CORS_ALLOWED_ORIGINS: BENCH_ORIGIN,
    AUTH_JWT_SECRET: BENCH_SECRET,
  };
}

/** Numbers from 0 up to 1, the same run for the same seed (a linear congruential generator modulo 2^32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

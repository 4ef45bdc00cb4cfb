/** A client of the types that openapi-typescript makes: each line compiles only while the document is exact. */

import type { components, paths } from "finance-openapi";
import createClient from "openapi-fetch";

type Account = components["schemas"]["Account"];
type Transfer = components["schemas"]["Transfer"];
type Transfers = components["schemas"]["BatchCreateTransfersRequest"]["transfers"];

/** What the service said to calls of each kind. */
export interface Tour {
  readonly from: Account;
  readonly moved: Transfer;
  readonly isReplayed: boolean;
  readonly outcomes: readonly string[];
  readonly sequences: readonly string[];
  readonly createdAt: readonly string[];
  readonly settledAt: string | null;
  readonly refusal: string;
  readonly requestIds: readonly (string | null)[];
}

export async function tour(baseUrl: string, token: string): Promise<Tour> {
  const finance = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
  const requestIds: (string | null)[] = [];
  const path = <Name extends string>(name: Name) => `/twirp/finance.v1.FinanceService/${name}` as const;
  const received = <Data, Failure>(reply: { data?: Data; error?: Failure; response: Response }): Data => {
    requestIds.push(reply.response.headers.get("x-request-id"));
    if (reply.data === undefined) throw new Error(`${reply.response.status} ${JSON.stringify(reply.error)}`);
    return reply.data;
  };

  const open = async (name: string) => {
    const body = { name, type: "ACCOUNT_TYPE_ASSET", currency: "USD", unlimited_overdraft: true } as const;
    return received(await finance.POST(path("CreateAccount"), { body }));
  };
  const [from, to] = [await open("from"), await open("to")];

  // int64 is a string or a number in a request, and a string in a reply.
  const order = { debit_account_id: from.id, credit_account_id: Number(to.id), amount: 1250 };
  const once = { params: { header: { "Idempotency-Key": "order-77" } }, body: order };
  const moved = received(await finance.POST(path("CreateTransfer"), once));
  const { response: repeated } = await finance.POST(path("CreateTransfer"), once);
  const transfers: Transfers = [order, { ...order, amount: "-1" }, { ...order, pending: true, expires_at: null }];
  const { results } = received(await finance.POST(path("BatchCreateTransfers"), { body: { transfers } }));
  const { entries } = received(await finance.POST(path("ListEntries"), { body: { account_id: to.id } }));
  const { points } = received(
    await finance.POST(path("GetBalanceHistory"), {
      body: { account_id: to.id, start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z", interval: "INTERVAL_DAY" },
    }),
  );
  const { error } = await finance.POST(path("GetAccount"), { body: { id: "999" } });

  return {
    from,
    moved,
    isReplayed: repeated.headers.get("idempotent-replayed") === "true",
    outcomes: results.map(({ transfer, error: refused }) => transfer?.state ?? refused?.code ?? "neither"),
    sequences: entries.map(({ sequence }) => sequence),
    createdAt: [from.created_at, moved.created_at, ...points.map(({ time }) => time)],
    settledAt: moved.settled_at,
    refusal: error?.code ?? "none",
    requestIds,
  };
}

/** What must not compile. */
export const mistakes: readonly unknown[] = [
  // @ts-expect-error an account without a type
  { name: "a", currency: "USD" } satisfies components["schemas"]["CreateAccountRequest"],
  // @ts-expect-error nothing that is required
  {} satisfies components["schemas"]["CreateTransferRequest"],
  // @ts-expect-error an id that is neither text nor number
  { id: true } satisfies components["schemas"]["GetAccountRequest"],
  // @ts-expect-error an interval that there is not
  { account_id: 1, start: "", interval: "INTERVAL_YEAR" } satisfies components["schemas"]["GetBalanceHistoryRequest"],
];

import type { FinanceServiceTwirp } from "../../generated/server/finance/v1/finance.twirp.ts";
import type { TestService } from "./service.ts";

export type MethodName = keyof FinanceServiceTwirp;

/** A request in JSON, by the proto's field names. */
export type JsonRequest = Readonly<Record<string, unknown>>;

/**
 * For each method, makes a request that succeeds when the owner of account `from` sends it. Each request refers to a hold or
 * posting of its own.
 */
export function validRequests(
  service: TestService,
  { from, to }: { from: string; to: string },
): Record<MethodName, () => Promise<JsonRequest>> {
  const transfer = { debit_account_id: from, credit_account_id: to, amount: "1" };
  const made = async (change: object, token?: string) => {
    const { body } = await service.call("CreateTransfer", { ...transfer, ...change }, token);
    return { id: `${body.id}` };
  };
  // Only the caller who placed a hold may capture it.
  const heldByOwner = async () => {
    const { body } = await service.call("GetAccount", { id: from });
    return await made({ pending: true }, await service.token(body.owner));
  };
  return {
    CreateAccount: async () => ({ name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" }),
    GetAccount: async () => ({ id: from }),
    ListAccounts: async () => ({}),
    UpdateAccount: async () => ({ id: from, name: "Wallet" }),
    ListAccountChanges: async () => ({ account_id: from }),
    CreateTransfer: async () => transfer,
    BatchCreateTransfers: async () => ({ transfers: [transfer] }),
    CaptureTransfer: heldByOwner,
    VoidTransfer: heldByOwner,
    ReverseTransfer: () => made({}),
    GetTransfer: () => made({}),
    ListTransfers: async () => ({ account_id: from }),
    ListEntries: async () => ({ account_id: from }),
    GetBalance: async () => ({ account_id: from }),
    GetBalanceHistory: async () => ({
      account_id: from,
      start: "2026-01-01T00:00:00Z",
      end: "2026-01-02T00:00:00Z",
      interval: "INTERVAL_DAY",
    }),
    ListEvents: async () => ({ account_id: from }),
    GetTrialBalance: async () => ({}),
  };
}

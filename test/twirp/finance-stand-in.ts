import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { Account } from "../../generated/server/finance/v1/account.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import {
  createFinanceServiceServer,
  type FinanceServiceTwirp,
} from "../../generated/server/finance/v1/finance.twirp.ts";
import { Transfer } from "../../generated/server/finance/v1/transfer.ts";
import type { CallContext, TwirpService } from "../../packages/twirp/src/index.ts";

type Finance = FinanceServiceTwirp<CallContext>;

const known: Pick<Finance, "GetAccount" | "CreateTransfer"> = {
  GetAccount: async (_context, { id }) => {
    if (id <= 0n) {
      throw new TwirpError(TwirpErrorCode.NotFound, `no account ${id}`).withMeta("resource", "account");
    }
    return Account.create({ id, name: "caffè ☕", type: 1, balance: 9_007_199_254_740_993n, metadata: { team: "a" } });
  },
  // The map goes in as it is: create() would copy it, and lose a key "__proto__".
  CreateTransfer: async (_context, { idempotencyKey, debitAccountId, creditAccountId, amount, metadata }) => ({
    ...Transfer.create({ id: 1n, debitAccountId, creditAccountId, amount, idempotencyKey }),
    metadata,
  }),
};

/**
 * The finance service without a ledger: GetAccount knows every positive id, CreateTransfer repeats what it was asked, and
 * the other methods answer an empty message.
 */
export function financeStandIn(): TwirpService {
  const empty = FinanceService.methods.map(({ name, O }) => [name, async () => O.create()]);
  // Made from the service's own list of methods, which no type can follow.
  const finance = { ...Object.fromEntries(empty), ...known } as Finance;
  return { server: createFinanceServiceServer<CallContext>(finance), type: FinanceService };
}

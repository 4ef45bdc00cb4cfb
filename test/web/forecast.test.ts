import { expect, test } from "vitest";
import * as fields from "../../generated/client/fields.ts";
import { AccountType, type Transfer, TransferState } from "../../packages/client/src/index.ts";
import { complete } from "../../packages/client/src/message.ts";
import { type BalanceChange, forecastOfTrials } from "../../web/src/transfers/forecast.ts";
import { anAccount } from "./accounts.ts";

const ASSET = AccountType.ACCOUNT_TYPE_ASSET;
const {
  TRANSFER_STATE_POSTED: POSTED,
  TRANSFER_STATE_PENDING: PENDING,
  TRANSFER_STATE_CAPTURED: CAPTURED,
  TRANSFER_STATE_VOIDED: VOIDED,
} = TransferState;
const wallet = anAccount({ id: 4n, balance: 1000n, availableBalance: 700n });
const shop = anAccount({ id: 6n, balance: 50n, availableBalance: 50n });
const bank = anAccount({ id: 1n, type: ASSET, balance: 900n, availableBalance: 800n });
const accounts = new Map([wallet, shop, bank].map((account) => [account.id, account]));

function transfer(change: Partial<Transfer>): Transfer {
  return complete(fields.Transfer, { debitAccountId: 4n, creditAccountId: 6n, amount: 300n, state: POSTED, ...change });
}

/** As [account, whether available, before, after]. */
function shown(changes: readonly BalanceChange[]) {
  return changes.map(({ account, isAvailable, before, after }) => [account.id, isAvailable, before, after]);
}

test("dry runs of several transfers show each account once, from before the first to after the last", () => {
  const trials = [
    transfer({ debitAccountBalance: 690n, creditAccountBalance: 360n }),
    transfer({
      debitAccountId: 6n,
      creditAccountId: 4n,
      amount: 60n,
      debitAccountBalance: 300n,
      creditAccountBalance: 750n,
    }),
  ];
  expect(shown(forecastOfTrials(trials, accounts))).toEqual([
    // The page's own balance of the wallet, 1000, is older than the dry run's.
    [4n, false, 990n, 750n],
    [6n, false, 60n, 300n],
  ]);
});

test("a held amount lowers the available balance of the account that it would leave", () => {
  expect(shown(forecastOfTrials([transfer({ state: PENDING })], accounts))).toEqual([[4n, true, 700n, 400n]]);
  const fromAsset = transfer({ state: PENDING, debitAccountId: 4n, creditAccountId: 1n });
  expect(shown(forecastOfTrials([fromAsset], accounts))).toEqual([
    [4n, true, 700n, 400n],
    [1n, true, 800n, 500n],
  ]);
});

test("holds of several transfers from one account lower its available balance one after the other", () => {
  const trials = [transfer({ state: PENDING }), transfer({ state: PENDING, amount: 50n })];
  expect(shown(forecastOfTrials(trials, accounts))).toEqual([[4n, true, 700n, 350n]]);
});

test.each<[what: string, settled: Partial<Transfer>, changes: unknown[]]>([
  [
    "capturing a part",
    { state: CAPTURED, capturedAmount: 100n, debitAccountBalance: 890n, creditAccountBalance: 150n },
    [
      // The page's own balance of the wallet, 1000, is older than the dry run's.
      [4n, false, 990n, 890n],
      [4n, true, 700n, 900n],
      [6n, false, 50n, 150n],
    ],
  ],
  [
    "capturing all",
    { state: CAPTURED, capturedAmount: 300n, debitAccountBalance: 700n, creditAccountBalance: 350n },
    [
      [4n, false, 1000n, 700n],
      [6n, false, 50n, 350n],
    ],
  ],
  ["a void", { state: VOIDED, debitAccountBalance: 1000n, creditAccountBalance: 50n }, [[4n, true, 700n, 1000n]]],
  [
    "capturing a part out of an asset",
    {
      state: CAPTURED,
      debitAccountId: 6n,
      creditAccountId: 1n,
      capturedAmount: 100n,
      debitAccountBalance: -50n,
      creditAccountBalance: 800n,
    },
    [
      [6n, false, 50n, -50n],
      [6n, true, 50n, 250n],
      [1n, false, 900n, 800n],
      [1n, true, 800n, 1000n],
    ],
  ],
  [
    "capturing a part between accounts that the page does not know",
    { state: CAPTURED, debitAccountId: 8n, creditAccountId: 9n, capturedAmount: 100n },
    [],
  ],
])("the dry run of %s shows what moves and what is no longer held", (_, settled, changes) => {
  expect(shown(forecastOfTrials([transfer(settled)], accounts))).toEqual(changes);
});

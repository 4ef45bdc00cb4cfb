import { describe, expect, test } from "vitest";
import * as fields from "../../generated/client/fields.ts";
import * as Server from "../../generated/server/finance/v1/account.ts";
import { AccountType, type Transfer } from "../../packages/client/src/index.ts";
import { complete } from "../../packages/client/src/message.ts";
import {
  type Actor,
  adminPartOfChange,
  adminPartOfNewAccount,
  adminPartOfTransfer,
  may,
  maySettle,
} from "../../src/finance/policy.ts";
import { type Permissions, permissionsOf } from "../../web/src/session/permissions.ts";
import type { TokenClaims } from "../../web/src/session/token.ts";
import { anAccount } from "./accounts.ts";

const { ACCOUNT_TYPE_ASSET: ASSET, ACCOUNT_TYPE_LIABILITY: LIABILITY } = AccountType;

const callers = {
  admin: { subject: "root", scopes: new Set(["finance.admin"]) },
  bob: { subject: "bob", scopes: new Set(["finance.read", "finance.write"]) },
  reader: { subject: "bob", scopes: new Set(["finance.read"]) },
  /** Bob's, through a gateway that exchanges it for a JWT. */
  opaque: { subject: undefined, scopes: undefined },
} satisfies Record<string, TokenClaims>;

type CallerName = keyof typeof callers;

const EVERYBODY: readonly CallerName[] = ["admin", "bob", "reader", "opaque"];
const WRITERS: readonly CallerName[] = ["admin", "bob", "opaque"];
const ADMIN: readonly CallerName[] = ["admin"];

const wallet = anAccount({ id: 5n, owner: "bob", type: LIABILITY });
const safe = anAccount({ id: 6n, owner: "bob", type: ASSET });
/** The accounts that the service lists for bob; account 4 is somebody else's. */
const listed = new Map([wallet, safe].map((account) => [account.id, account]));

function transfer(debitAccountId: bigint, creditAccountId: bigint, createdBy = ""): Transfer {
  return complete(fields.Transfer, { debitAccountId, creditAccountId, createdBy });
}

test.each<[what: string, allowed: readonly CallerName[], ask: (may: Permissions) => boolean]>([
  ["is an admin", ADMIN, (may) => may.isAdmin],
  ["reads", EVERYBODY, (may) => may.read],
  ["writes", WRITERS, (may) => may.write],
  ["reads the trial balance", ADMIN, (may) => may.readTrialBalance],
  ["chooses a new account's terms", ADMIN, (may) => may.setTerms],
  ["freezes", ADMIN, (may) => may.freeze],
  ["changes an overdraft", ADMIN, (may) => may.setLimits],
  ["sets an effective time", ADMIN, (may) => may.setEffectiveTime],
  ["describes an own account", WRITERS, (may) => may.describe(safe)],
  ["closes an own account", WRITERS, (may) => may.close(wallet)],
  ["debits an own liability", WRITERS, (may) => may.debit(wallet)],
  ["debits an own asset", ADMIN, (may) => may.debit(safe)],
  ["credits an own liability", WRITERS, (may) => may.credit(wallet)],
  ["credits an own asset", ADMIN, (may) => may.credit(safe)],
  ["credits an account that is not listed", WRITERS, (may) => may.credit(undefined)],
  ["captures a hold placed by bob", WRITERS, (may) => may.capture(transfer(5n, 4n, "bob"), listed)],
  ["captures a hold placed by others", ADMIN, (may) => may.capture(transfer(5n, 4n), listed)],
  ["captures a hold on an own asset", ADMIN, (may) => may.capture(transfer(6n, 4n, "bob"), listed)],
  ["captures a hold for an own asset", ADMIN, (may) => may.capture(transfer(5n, 6n, "bob"), listed)],
  ["captures a hold on an account that is not listed", ADMIN, (may) => may.capture(transfer(4n, 5n, "bob"), listed)],
  ["voids a hold placed by bob", WRITERS, (may) => may.void(transfer(5n, 4n, "bob"), listed)],
  ["voids a hold that bob receives", WRITERS, (may) => may.void(transfer(4n, 5n), listed)],
  ["voids a hold of others on bob's account", ADMIN, (may) => may.void(transfer(5n, 4n), listed)],
  ["reverses what bob received", WRITERS, (may) => may.reverse(transfer(4n, 5n), listed)],
  ["reverses what bob received in an asset", ADMIN, (may) => may.reverse(transfer(4n, 6n), listed)],
  ["reverses what bob took from an asset", ADMIN, (may) => may.reverse(transfer(6n, 5n), listed)],
  ["reverses what bob paid", ADMIN, (may) => may.reverse(transfer(5n, 4n, "bob"), listed)],
])("who %s: %j", (_, allowed, ask) => {
  expect(EVERYBODY.filter((name) => ask(permissionsOf(callers[name])))).toEqual(allowed);
});

test("without finance.read, nothing can be read", () => {
  expect(permissionsOf({ subject: "bob", scopes: new Set(["finance.write"]) }).read).toBe(false);
});

test.each<[what: string, allowed: boolean, ask: (may: Permissions) => boolean]>([
  ["debit somebody else's liability", false, (may) => may.debit(anAccount({ owner: "alice" }))],
  ["credit somebody else's liability", true, (may) => may.credit(anAccount({ owner: "alice" }))],
  ["describe somebody else's account", false, (may) => may.describe(anAccount({ owner: "alice" }))],
  ["close somebody else's account", false, (may) => may.close(anAccount({ owner: "alice" }))],
  ["capture a hold placed by alice", false, (may) => may.capture(transfer(5n, 4n, "alice"), listed)],
  ["void a hold placed by alice", false, (may) => may.void(transfer(5n, 4n, "alice"), listed)],
])("whether bob may %s: %s", (_, allowed, ask) => {
  expect(ask(permissionsOf(callers.bob))).toBe(allowed);
});

describe("agrees with the service's policy", () => {
  const actors: readonly [CallerName, Actor][] = [
    ["admin", { subject: "root", admin: true }],
    ["bob", { subject: "bob", admin: false }],
  ];

  test.each(actors)("about accounts, for %s", (name, actor) => {
    const offered = permissionsOf(callers[name]);
    for (const owner of ["bob", "alice"]) {
      for (const type of [ASSET, LIABILITY]) {
        const held = { owner, debitNormal: type === ASSET };
        const account = anAccount({ owner, type });
        expect(offered.debit(account), `debit ${owner} ${type}`).toBe(may(actor, "debit", held));
        expect(offered.credit(account), `credit ${owner} ${type}`).toBe(may(actor, "credit", held));
        expect(offered.close(account), `close ${owner} ${type}`).toBe(may(actor, "close", held));
        expect(offered.describe(account), `describe ${owner} ${type}`).toBe(may(actor, "describe", held));
        expect(offered.setLimits).toBe(may(actor, "set_limits", held));
        expect(offered.freeze).toBe(may(actor, "freeze_or_open", held));
      }
    }
  });

  test.each(actors)("about holds between liabilities, for %s", (name, actor) => {
    const offered = permissionsOf(callers[name]);
    const accounts = new Map([
      [4n, anAccount({ id: 4n, owner: "alice" })],
      [5n, anAccount({ id: 5n, owner: "bob" })],
    ]);
    for (const createdBy of ["", "alice", "bob"]) {
      for (const [from, to, creditOwner] of [
        [4n, 5n, "bob"],
        [5n, 4n, "alice"],
      ] as const) {
        const hold = transfer(from, to, createdBy);
        const known = { createdBy: createdBy || null, creditOwner };
        const mayPost = actor.admin || from === 5n;
        expect(offered.capture(hold, accounts)).toBe(mayPost && maySettle(actor, "capture", known));
        expect(offered.void(hold, accounts)).toBe(maySettle(actor, "void", known));
      }
    }
  });

  test("about actions that only an admin may take", () => {
    const { setTerms, freeze, setLimits, setEffectiveTime } = permissionsOf(callers.bob);
    const account = { owner: "bob", type: Server.AccountType.LIABILITY, overdraftLimit: 0n, unlimitedOverdraft: false };
    const terms = [
      { owner: "alice" },
      { type: Server.AccountType.ASSET },
      { overdraftLimit: 1n },
      { unlimitedOverdraft: true },
    ];
    expect(adminPartOfNewAccount("bob", account)).toBeUndefined();
    for (const change of terms) {
      expect(setTerms).toBe(adminPartOfNewAccount("bob", { ...account, ...change }) === undefined);
    }
    for (const status of [Server.AccountStatus.FROZEN, Server.AccountStatus.OPEN]) {
      expect(freeze).toBe(adminPartOfChange({ status }) === undefined);
    }
    expect(setLimits).toBe(adminPartOfChange({ overdraftLimit: 1n }) === undefined);
    expect(setEffectiveTime).toBe(adminPartOfTransfer({ effectiveAt: {} }) === undefined);
  });
});

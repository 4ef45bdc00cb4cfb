import { expect, test } from "vitest";
import type { FinanceErrorCode } from "../../packages/client/src/index.ts";
import { isDecided, type Place, placeRefusal } from "../../web/src/transfers/refusal-place.ts";

const DEBITED = "4";
const CREDITED = "6";

test.each<[code: FinanceErrorCode, meta: Record<string, string>, place: Place, decided: boolean]>([
  ["invalid_argument", { argument: "credit_account_id" }, "creditAccountId", true],
  ["invalid_argument", { argument: "debit_account_id" }, "debitAccountId", true],
  ["invalid_argument", { argument: "amount" }, "amount", true],
  ["invalid_argument", { argument: "description" }, "description", true],
  ["invalid_argument", { argument: "expires_at" }, "expiresAt", true],
  ["invalid_argument", { argument: "effective_at" }, "effectiveAt", true],
  ["invalid_argument", { argument: "metadata.invoice" }, "metadata", true],
  ["invalid_argument", { argument: "idempotency_key" }, "form", true],
  ["not_found", { resource: "account", id: CREDITED }, "creditAccountId", true],
  ["not_found", { resource: "account", id: DEBITED }, "debitAccountId", true],
  ["permission_denied", { account_id: DEBITED }, "debitAccountId", true],
  ["permission_denied", { scope: "finance.write" }, "form", true],
  ["failed_precondition", { reason: "account_not_open", account_id: CREDITED }, "creditAccountId", true],
  ["failed_precondition", { reason: "account_not_open", account_id: DEBITED }, "debitAccountId", true],
  ["permission_denied", { reason: "account_not_debitable", account_id: DEBITED }, "debitAccountId", true],
  ["failed_precondition", { reason: "account_not_creditable", account_id: CREDITED }, "creditAccountId", true],
  ["failed_precondition", { reason: "currency_mismatch" }, "creditAccountId", true],
  ["failed_precondition", { reason: "insufficient_funds", account_id: DEBITED }, "amount", true],
  ["failed_precondition", { reason: "insufficient_funds", account_id: CREDITED }, "creditAccountId", true],
  ["out_of_range", { account_id: DEBITED }, "amount", true],
  ["already_exists", { reason: "idempotency_key_reused" }, "form", false],
  ["resource_exhausted", { retry_after_ms: "100" }, "form", false],
  ["unavailable", {}, "form", false],
  ["internal", { request_id: "r" }, "form", false],
])("%s %o is shown at %s; decided: %s", (code, meta, place, decided) => {
  expect(placeRefusal({ code, meta }, BigInt(CREDITED))).toBe(place);
  expect(isDecided({ code, meta })).toBe(decided);
});

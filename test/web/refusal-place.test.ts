import { expect, test } from "vitest";
import type { Refusal } from "../../web/src/problem.ts";
import { isDecided, type Place, placeRefusal } from "../../web/src/refusal-place.ts";

const DEBITED = "4";
const CREDITED = "6";

function refusal(code: string, meta: Record<string, string>): Refusal {
  return { kind: "refusal", status: 400, code, msg: "no", meta };
}

test.each<[code: string, meta: Record<string, string>, place: Place, decided: boolean]>([
  ["invalid_argument", { argument: "credit_account_id" }, "creditAccountId", true],
  ["invalid_argument", { argument: "amount" }, "amount", true],
  ["invalid_argument", { argument: "description" }, "description", true],
  ["invalid_argument", { argument: "idempotency_key" }, "form", true],
  ["not_found", { resource: "account", id: CREDITED }, "creditAccountId", true],
  ["not_found", { resource: "account", id: DEBITED }, "form", true],
  ["permission_denied", { account_id: DEBITED }, "form", true],
  ["permission_denied", { scope: "finance.write" }, "form", true],
  ["failed_precondition", { reason: "account_not_open", account_id: CREDITED }, "creditAccountId", true],
  ["failed_precondition", { reason: "account_not_open", account_id: DEBITED }, "form", true],
  ["failed_precondition", { reason: "currency_mismatch" }, "creditAccountId", true],
  ["failed_precondition", { reason: "insufficient_funds", account_id: DEBITED }, "amount", true],
  ["failed_precondition", { reason: "insufficient_funds", account_id: CREDITED }, "creditAccountId", true],
  ["out_of_range", { account_id: DEBITED }, "amount", true],
  ["already_exists", { reason: "idempotency_key_reused" }, "form", false],
  ["resource_exhausted", { retry_after_ms: "100" }, "form", false],
  ["unavailable", {}, "form", false],
  ["internal", { request_id: "r" }, "form", false],
])("%s %o is shown at %s; decided: %s", (code, meta, place, decided) => {
  expect(placeRefusal(refusal(code, meta), BigInt(CREDITED))).toBe(place);
  expect(isDecided(refusal(code, meta))).toBe(decided);
});

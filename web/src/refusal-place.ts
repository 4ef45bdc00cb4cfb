import type { Refusal } from "./problem.ts";

/** Where the transfer form shows a refusal; `form` is above the button. */
export type Place = "creditAccountId" | "amount" | "description" | "form";

const PLACE_OF_ARGUMENT: Readonly<Record<string, Place>> = {
  credit_account_id: "creditAccountId",
  amount: "amount",
  description: "description",
};

/** Finds the field that a refusal of CreateTransfer is about. */
export function placeRefusal({ code, meta }: Refusal, creditAccountId: bigint): Place {
  const isAboutCredited = (meta["account_id"] ?? meta["id"]) === `${creditAccountId}`;
  if (code === "invalid_argument") return PLACE_OF_ARGUMENT[meta["argument"] ?? ""] ?? "form";
  if (meta["reason"] === "currency_mismatch") return "creditAccountId";
  if (meta["reason"] === "insufficient_funds" || code === "out_of_range") {
    return isAboutCredited ? "creditAccountId" : "amount";
  }
  if (meta["reason"] === "account_not_open" || code === "not_found")
    return isAboutCredited ? "creditAccountId" : "form";
  return "form";
}

/**
 * Whether the service decided the transfer. Its idempotency key then holds that decision for ever, and only a new one can
 * be decided otherwise; else a new key might post a second time what the old one has posted.
 */
export function isDecided({ code }: Refusal): boolean {
  return ["failed_precondition", "not_found", "permission_denied", "out_of_range", "invalid_argument"].includes(code);
}

import type { FinanceError } from "@finance-service/client";
import type { FieldName } from "./transfer-values.ts";

/** Where the transfer form shows a refusal: at a field, or with `form` above the button. */
export type Place = FieldName | "form";

/** A FinanceError, or the refusal of a member of a batch. */
type Refusal = Pick<FinanceError, "meta"> & { readonly code: string };

const PLACE_OF_ARGUMENT: Readonly<Record<string, Place>> = {
  debit_account_id: "debitAccountId",
  credit_account_id: "creditAccountId",
  amount: "amount",
  description: "description",
  expires_at: "expiresAt",
  effective_at: "effectiveAt",
  metadata: "metadata",
};

/** Finds the field that a refusal of CreateTransfer is about. */
export function placeRefusal({ code, meta }: Refusal, creditAccountId: bigint): Place {
  const account = (meta["account_id"] ?? meta["id"]) === `${creditAccountId}` ? "creditAccountId" : "debitAccountId";
  // A pair's argument is its path, such as metadata.invoice.
  if (code === "invalid_argument") return PLACE_OF_ARGUMENT[meta["argument"]?.split(".")[0] ?? ""] ?? "form";
  if (meta["reason"] === "currency_mismatch") return "creditAccountId";
  if (meta["reason"] === "insufficient_funds" || code === "out_of_range") {
    return account === "creditAccountId" ? account : "amount";
  }
  return code === "not_found" || "account_id" in meta ? account : "form";
}

/**
 * Whether the service decided the transfer. If it did, its idempotency key keeps that decision, so a new try needs a new
 * key. If it did not, a new key might post the transfer twice.
 */
export function isDecided({ code }: Refusal): boolean {
  return ["failed_precondition", "not_found", "permission_denied", "out_of_range", "invalid_argument"].includes(code);
}

/** The refusal in the words of the form: the service's message counts in minor units. */
export function wordingOf({ meta, message }: FinanceError, place: Place): string {
  if (meta["reason"] === "insufficient_funds" && place === "amount") return "This is more than the account can spend.";
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}

import { createHash } from "node:crypto";
import { FinanceError, refuse } from "../errors.ts";
import { INT64_MAX } from "../money.ts";

/**
 * The token of the page after `position`, for exactly these filters.
 *
 * @param position the keyset of the last row that was given out.
 */
export function writePageToken(position: readonly bigint[], filters: readonly unknown[]): string {
  return Buffer.from(`${position.join(".")}.${fingerprint(filters)}`).toString("base64url");
}

/**
 * The position that a token stands for.
 *
 * @param length how many numbers the keyset has.
 * @returns undefined for the empty token: the first page.
 * @throws FinanceError invalid_argument when the token is not one of ours or belongs to other filters.
 */
export function readPageToken(token: string, length: number, filters: readonly unknown[]): bigint[] | undefined {
  if (token === "") return undefined;
  const bytes = Buffer.from(token, "base64url");
  // Node's reader passes over what is not base64url.
  if (bytes.toString("base64url") !== token) throw refused("is not a next_page_token of this method");
  const parts = bytes.toString("latin1").split(".");
  const print = parts.pop();
  const wellFormed =
    parts.length === length && parts.every((part) => /^(?:0|[1-9]\d{0,18})$/.test(part) && BigInt(part) <= INT64_MAX);
  if (!wellFormed || print === undefined) throw refused("is not a next_page_token of this method");
  if (print !== fingerprint(filters)) throw refused("belongs to a call with other filters");
  return parts.map(BigInt);
}

function refused(problem: string): FinanceError {
  return new FinanceError(refuse("invalid_argument", `page_token ${problem}`, { argument: "page_token" }));
}

function fingerprint(filters: readonly unknown[]): string {
  const text = JSON.stringify(filters, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

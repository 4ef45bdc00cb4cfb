import { createHash } from "node:crypto";
import type { Metadata } from "./account.ts";
import { type Refusal, refuse } from "./errors.ts";

/** A caller's idempotency key with the request that it stands for, as table idempotency compares them. */
export interface Claim {
  /** As the caller wrote it. */
  readonly key: string;
  /** Of caller and key; 32 hexadecimal digits. */
  readonly keyDigest: string;
  /** Of the method and everything in the request but the key; 32 hexadecimal digits. */
  readonly requestDigest: string;
}

type Field = string | bigint | number | boolean | undefined | Metadata;

/**
 * Makes the claim for a request.
 *
 * @param subject the caller, whose keys are their own.
 * @param fields the request's fields in a fixed order, defaults filled in.
 */
export function claimOf(subject: string, key: string, method: string, fields: readonly Field[]): Claim {
  return {
    key,
    keyDigest: digest(`${subject}\u0000${key}`),
    requestDigest: digest(JSON.stringify([method, ...fields.map(canonical)])),
  };
}

/** The refusal of a key that decided another request before. */
export function keyReused(key: string): Refusal {
  return refuse("idempotency_key_reused", `idempotency_key ${JSON.stringify(key)} was used for another request`, {});
}

function canonical(field: Field): unknown {
  if (typeof field === "bigint") return `${field}`;
  if (typeof field === "object") return Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1));
  return field ?? null;
}

// 128 bits: no two requests of one ledger's lifetime meet by chance, and a row stays half as wide.
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

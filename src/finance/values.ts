/** Ids that can't be taken for one another. They are made where rows and requests are read, nowhere else. */

declare const kind: unique symbol;

export type AccountId = bigint & { readonly [kind]: "account" };
export type TransferId = bigint & { readonly [kind]: "transfer" };

/** Brands an id that came from a validated request or a row of table account. */
export function accountId(id: bigint): AccountId {
  return id as AccountId;
}

/** Brands an id that came from a validated request or a row of table transfer. */
export function transferId(id: bigint): TransferId {
  return id as TransferId;
}

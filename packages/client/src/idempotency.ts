/**
 * Gives a key to each part of a request that takes one and has none.
 *
 * @returns whether the request takes keys at all, so that it may be repeated.
 */
export function fillIdempotencyKeys(message: object): boolean {
  if (takesKey(message)) {
    message.idempotencyKey ||= newIdempotencyKey();
    return true;
  }
  let isKeyed = false;
  for (const members of Object.values(message)) {
    if (!Array.isArray(members)) continue;
    for (const member of members) isKeyed = fillIdempotencyKeys(member) || isKeyed;
  }
  return isKeyed;
}

/**
 * A new key, for a caller that keeps it over several calls, as for the one transfer that a form stands for.
 *
 * @returns 32 hexadecimal digits.
 */
export function newIdempotencyKey(): string {
  // Not crypto.randomUUID, which plain-http pages do not have.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function takesKey(message: object): message is { idempotencyKey: string } {
  return "idempotencyKey" in message;
}

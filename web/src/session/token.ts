/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const TOKEN = /^[\w.~+/-]+=*$/;

/** The token in pasted text, with or without "Bearer"; undefined if it can't be one. */
export function readToken(pasted: string): string | undefined {
  const token = pasted.trim().replace(/^(?:authorization: *)?bearer(?: +|$)/i, "");
  return TOKEN.test(token) ? token : undefined;
}

/** A token's claims about its caller. They are unverified: only the server can check them. */
export interface TokenClaims {
  /** Undefined when the token does not say. */
  readonly subject: string | undefined;
  /** Undefined when the token can't be read; a JWT without the claim has no scopes. */
  readonly scopes: ReadonlySet<string> | undefined;
}

/** Reads a JWT's `sub` and `scope` (https://www.rfc-editor.org/rfc/rfc8693#section-4.2); other tokens have no readable claims. */
export function readClaims(token: string): TokenClaims {
  const claims = payloadOf(token);
  if (claims === undefined) return { subject: undefined, scopes: undefined };
  const { sub, scope = "" } = claims;
  return {
    subject: typeof sub === "string" ? sub : undefined,
    scopes: typeof scope === "string" ? new Set(scope.split(" ").filter((name) => name !== "")) : undefined,
  };
}

function payloadOf(token: string): { readonly sub?: unknown; readonly scope?: unknown } | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** The token of this tab: other tabs do not see it, and it is deleted when the tab closes. */
const KEY = "finance-token";

export function loadToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function storeToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

/** Also deletes what else this person left in the tab. */
export function forgetToken(): void {
  sessionStorage.clear();
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const TOKEN = /^[\w.~+/-]+=*$/;

/** The token in what a person pasted, with or without "Bearer"; undefined when that can't be one. */
export function readToken(pasted: string): string | undefined {
  const token = pasted.trim().replace(/^(?:authorization: *)?bearer(?: +|$)/i, "");
  return TOKEN.test(token) ? token : undefined;
}

/** Whom a JWT names, for show only: the server alone can tell whether it is true. */
export function subjectOf(token: string): string | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims !== "object" || claims === null || !("sub" in claims)) return undefined;
    return typeof claims.sub === "string" ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}

/** What a caller may do. `finance.admin` implies the others. */
export type Scope = "finance.read" | "finance.write" | "finance.admin";

/** Who is calling, as their token says. */
export interface Caller {
  /** The token's `sub`. */
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
}

/** Whether the caller holds a scope, itself or through finance.admin. */
export function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.scopes.has(scope) || caller.scopes.has("finance.admin");
}

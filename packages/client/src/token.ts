import { failureBy } from "./errors.ts";

/** The argument of a token function. */
export interface TokenRequest {
  /**
   * Why the service refused the function's last token, such as "token_expired": a new token is needed. Undefined when no token
   * was refused.
   */
  readonly refused: string | undefined;
}

/** The bearer token, or a function that returns it. */
export type TokenOption = string | ((request: TokenRequest) => string | Promise<string>);

/** The bearer tokens of a client. */
export interface TokenSource {
  /** Empty if there is none. */
  current(): Promise<string>;
  /** A new token after a refusal; undefined if there is none. Calls that were refused together share it. */
  insteadOf(refused: string, reason: string): Promise<string | undefined>;
  /** Stops sharing the new token: the next call that is refused asks for another. */
  forget(refused: string): void;
}

/** Both reject with a FinanceError when the function fails. */
export function tokenSource(option: TokenOption | undefined): TokenSource {
  const give = typeof option === "function" ? option : () => option ?? "";
  let renewal: { readonly refused: string; readonly token: Promise<string> } | undefined;

  async function ask(request: TokenRequest): Promise<string> {
    try {
      return await give(request);
    } catch (error) {
      throw failureBy(error, "token_unavailable", "no token");
    }
  }
  return {
    current: () => ask({ refused: undefined }),
    async insteadOf(refused, reason) {
      // Also for calls whose refusal arrives after the renewal.
      if (renewal === undefined || renewal.refused !== refused) {
        renewal = { refused, token: ask({ refused: reason }) };
      }
      const token = await renewal.token;
      return token === refused ? undefined : token;
    },
    forget(refused) {
      if (renewal?.refused === refused) renewal = undefined;
    },
  };
}

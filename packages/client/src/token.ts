import { failureBy } from "./errors.ts";

/** What a token function is told. */
export interface TokenRequest {
  /**
   * Why the service refused the token that the function gave last, such as "token_expired": that one is of no use any more.
   * Undefined when none was refused.
   */
  readonly refused: string | undefined;
}

/** The bearer token, or a function that gives it. */
export type TokenOption = string | ((request: TokenRequest) => string | Promise<string>);

/** Where the bearer tokens of a client come from. */
export interface TokenSource {
  /** Empty: none. */
  current(): Promise<string>;
  /** Another token than one that was refused; undefined when there is none. Calls that were refused together share it. */
  insteadOf(refused: string, reason: string): Promise<string | undefined>;
  /** Ends the sharing of what stands for a refused token: the next call that is refused asks again. */
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
      // It also serves calls whose refusal comes after it is done.
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

import type { TwirpErrorCode } from "twirp-ts";
import type { CallContext } from "./context.ts";

/** What became of a call. */
export interface CallOutcome {
  /** As `finance.v1.FinanceService/GetAccount`; empty when the path names no method. */
  readonly rpc: string;
  /** As `GetAccount`; empty when the path names no method. */
  readonly method: string;
  /** `ok`, or the error's code; `canceled` for a call without a reply, whose client has gone. */
  readonly code: "ok" | TwirpErrorCode;
  /** HTTP status of the reply, or what it would have been. */
  readonly status: number;
  readonly context: CallContext;
}

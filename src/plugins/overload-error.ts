/** Why somebody was turned away. */
export type OverloadReason =
  | "event_loop_delay"
  | "heap"
  | "memory"
  | "requests_in_flight"
  | "connections"
  | "connections_per_address"
  | "rate_per_address"
  | "rate_per_caller";

/** A request is turned away for the sake of the others: nothing was done, and it is worth trying again. */
export class OverloadError extends Error {
  readonly reason: OverloadReason;
  readonly retryAfterMs: number;

  constructor(reason: OverloadReason, message: string, retryAfterMs: number) {
    super(message);
    this.name = "OverloadError";
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
